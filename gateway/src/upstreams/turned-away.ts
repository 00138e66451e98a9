/** Milliseconds for which a client sends nothing more of what was refused. */
const absence = 1_000;

/** Clients whose large bodies a service has refused. What they send before its time is refused unread: to read it costs most. */
export class TurnedAway {
  /** When each may come again, the earliest first, and the seconds that it was told. */
  readonly #clients = new Map<string, { until: number; retryAfter: number }>();

  /** A service has told a client to come again after so many seconds. */
  add(client: string, retryAfter: number): void {
    const now = performance.now();
    for (const [name, { until }] of this.#clients) {
      if (until > now) break;
      this.#clients.delete(name);
    }
    this.#clients.delete(client);
    this.#clients.set(client, { until: now + Math.min(absence, retryAfter * 1_000), retryAfter });
  }

  /** For how many milliseconds a client is to stay away, and the seconds that it was told; nothing for one that may come. */
  find(client: string): { left: number; retryAfter: number } | undefined {
    const found = this.#clients.get(client);
    const left = (found?.until ?? 0) - performance.now();
    return found && left > 0 ? { left, retryAfter: found.retryAfter } : undefined;
  }
}
