/** Milliseconds that a request may wait for a place. After that a 503 is of more use to its client. */
const patience = 1_000;

/** A request that wants a place; it is told one of the two, at once or later. */
export interface Guest {
  /** It has a place, until it leaves. */
  admit(): void;
  /** There is none for it. */
  refuse(): void;
}

/** How many requests may be at each replica of a service at a time, and how many may wait for that, in their order. */
export interface Places {
  maxInFlight: number;
  maxWaiting: number;
}

/** Lets requests in as places become free: so a service never has more than it can take, and a short crowd costs nobody a 503. */
export class Admission {
  readonly #places: Places;
  readonly #replicas: () => number;
  readonly #inFlight = new Set<Guest>();
  readonly #waiting = new Map<Guest, NodeJS.Timeout>();
  #isAdmitting = false;

  /** @param replicas how many there are to be asked at the moment */
  constructor(places: Places, replicas: () => number) {
    this.#places = places;
    this.#replicas = replicas;
  }

  /** Whether the next one would be refused at once. */
  get isFull(): boolean {
    return !this.#hasPlace && this.#waiting.size >= this.#places.maxWaiting;
  }

  /** Admits a request now or in its turn, or refuses it. */
  enter(guest: Guest): void {
    if (this.#hasPlace && this.#waiting.size === 0) {
      this.#inFlight.add(guest);
      guest.admit();
    } else if (this.isFull) guest.refuse();
    else
      this.#waiting.set(
        guest,
        setTimeout(() => this.#giveUp(guest), patience),
      );
  }

  /** A request does not need its place any more, or no longer waits for one. */
  leave(guest: Guest): void {
    clearTimeout(this.#waiting.get(guest));
    this.#waiting.delete(guest);
    if (this.#inFlight.delete(guest)) this.#admitNext();
  }

  get #hasPlace(): boolean {
    return this.#inFlight.size < this.#places.maxInFlight * Math.max(1, this.#replicas());
  }

  #giveUp(guest: Guest): void {
    this.#waiting.delete(guest);
    guest.refuse();
  }

  /** Who is admitted may leave at once, and so would begin this again, deeper and deeper. */
  #admitNext(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (const [guest, timer] of this.#waiting) {
      if (!this.#hasPlace) break;
      clearTimeout(timer);
      this.#waiting.delete(guest);
      this.#inFlight.add(guest);
      guest.admit();
    }
    this.#isAdmitting = false;
  }
}
