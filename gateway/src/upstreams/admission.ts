import { FairQueue } from '@shop/service-kit/fair-queue.ts';

/** Milliseconds that a request may usually wait for a place. After that a 503 is of more use to its client. */
const usualPatience = 1_000;

/** Milliseconds from which a request counts as slow. */
const slow = 1_000;

/** A request that wants a place; it is told one of the two, at once or later. */
export interface Guest {
  /** Who sends it, see `clientOf`. */
  readonly client: string;
  /** It has a place, until it leaves. */
  admit(): void;
  /** There is none for it. */
  refuse(): void;
}

/** How many requests may be at each replica of a service at a time, and how many may wait for that. */
export interface Places {
  maxInFlight: number;
  maxWaiting: number;
  /** Milliseconds that a request may wait; absent: a second. */
  patience?: number;
}

/**
 * Lets requests in as places become free: so a service never has more than it can take, and a short crowd costs nobody a 503. Clients have
 * turns. One whose requests are quick may have all places; while one of them is slow, it may have half. A quarter more is kept for clients
 * that have none.
 */
export class Admission {
  readonly #places: Places;
  readonly #replicas: () => number;
  /** The requests of each client, and when they came, the first one first. */
  readonly #inFlight = new Map<string, Map<Guest, number>>();
  readonly #waiting = new FairQueue<Guest>();
  readonly #timers = new WeakMap<Guest, NodeJS.Timeout>();
  #count = 0;
  #isAdmitting = false;

  /** @param replicas how many there are to be asked at the moment */
  constructor(places: Places, replicas: () => number) {
    this.#places = places;
    this.#replicas = replicas;
  }

  /** How many requests wait for a place. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether the next request of a client would be refused at once. */
  isFullFor(client: string): boolean {
    return !this.#mayEnter(client) && this.#isQueueFullFor(client);
  }

  /** Admits a request now or in its turn, or refuses it. */
  enter(guest: Guest): void {
    const { client } = guest;
    if (this.#mayEnter(client) && this.#waiting.sizeOf(client) === 0) {
      this.#begin(guest);
      return;
    }
    if (this.#isQueueFullFor(client)) {
      guest.refuse();
      return;
    }
    if (this.#waiting.size >= this.#places.maxWaiting) this.#giveUp(this.#waiting.ofLargest() as Guest);
    this.#waiting.add(guest);
    this.#timers.set(
      guest,
      setTimeout(() => this.#giveUp(guest), this.#places.patience ?? usualPatience),
    );
  }

  /** A request does not need its place any more, or no longer waits for one. */
  leave(guest: Guest): void {
    clearTimeout(this.#timers.get(guest));
    this.#waiting.delete(guest);
    const own = this.#inFlight.get(guest.client);
    if (!own?.delete(guest)) return;
    if (own.size === 0) this.#inFlight.delete(guest.client);
    this.#count--;
    this.#admitNext();
  }

  #mayEnter(client: string): boolean {
    const all = this.#places.maxInFlight * Math.max(1, this.#replicas());
    const own = this.#inFlight.get(client);
    if (!own) return this.#count < all + Math.floor(all / 4);
    if (this.#count >= all) return false;
    const [longest = 0] = own.values();
    return own.size < all / 2 || performance.now() - longest < slow;
  }

  /** A client that has fewer requests waiting than another takes the place of one of these. */
  #isQueueFullFor(client: string): boolean {
    if (this.#waiting.size < this.#places.maxWaiting) return false;
    const largest = this.#waiting.ofLargest()?.client;
    return largest === undefined || this.#waiting.sizeOf(largest) <= this.#waiting.sizeOf(client) + 1;
  }

  #begin(guest: Guest): void {
    const own = this.#inFlight.get(guest.client) ?? new Map<Guest, number>();
    this.#inFlight.set(guest.client, own.set(guest, performance.now()));
    this.#count++;
    guest.admit();
  }

  #giveUp(guest: Guest): void {
    clearTimeout(this.#timers.get(guest));
    this.#waiting.delete(guest);
    guest.refuse();
  }

  /** Who is admitted may leave at once, and so would begin this again, deeper and deeper. */
  #admitNext(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    const may = (client: string) => this.#mayEnter(client);
    for (let guest = this.#waiting.take(may); guest; guest = this.#waiting.take(may)) {
      clearTimeout(this.#timers.get(guest));
      this.#begin(guest);
    }
    this.#isAdmitting = false;
  }
}
