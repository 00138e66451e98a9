import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit';

/** Clients that are counted at a time: some 20 MiB. */
const mostClients = 100_000;

interface Count {
  totalHits: number;
  resetTime: Date;
}

/**
 * Counts requests in this process, in a window of time that begins with the first of each client. (The library's own store has a count
 * for each address that has ever come in two windows, of which a day may be one.) When there are too many clients, the one whose window
 * ends first is forgotten, and begins anew.
 */
export class WindowCounter implements Store {
  readonly localKeys = true;
  readonly #most: number;
  /** All windows are equally long: the one that ends first is the first. */
  readonly #counts = new Map<string, Count>();
  #windowMs = 0;

  constructor(most = mostClients) {
    this.#most = most;
  }

  init({ windowMs }: Pick<Options, 'windowMs'>): void {
    this.#windowMs = windowMs;
  }

  increment(key: string): ClientRateLimitInfo {
    const now = Date.now();
    const known = this.#counts.get(key);
    if (known && known.resetTime.getTime() > now) {
      known.totalHits++;
      return { ...known };
    }
    this.#counts.delete(key);
    for (const [first, { resetTime }] of this.#counts) {
      if (resetTime.getTime() > now && this.#counts.size < this.#most) break;
      this.#counts.delete(first);
    }
    const count = { totalHits: 1, resetTime: new Date(now + this.#windowMs) };
    this.#counts.set(key, count);
    return { ...count };
  }

  decrement(key: string): void {
    const count = this.#counts.get(key);
    if (count && count.totalHits > 0) count.totalHits--;
  }

  resetKey(key: string): void {
    this.#counts.delete(key);
  }

  shutdown(): void {
    this.#counts.clear();
  }
}
