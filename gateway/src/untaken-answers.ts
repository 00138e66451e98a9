/** An answer whose client does not take it as fast as it comes. */
export interface Untaken {
  /** Gives it up, and with it what it holds. */
  breakOff(): void;
}

/**
 * Counts the bytes of answers that are held for their clients, so that a slow client holds memory, and no service. When there is
 * no more, those are broken off of which nothing has come, and nothing was taken, for the longest time.
 */
export class UntakenAnswers {
  readonly #maximum: number;
  /** The one that has waited longest is the first. */
  readonly #answers = new Map<Untaken, number>();
  #held = 0;

  /** @param maximum bytes of all of them together */
  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Counts what an answer holds now; false when that is more than may be held, and so the service has to wait for the client. */
  hold(answer: Untaken, bytes: number): boolean {
    this.release(answer);
    if (bytes > this.#maximum) return false;
    for (const longest of this.#answers.keys()) {
      if (this.#held + bytes <= this.#maximum) break;
      longest.breakOff();
    }
    this.#answers.set(answer, bytes);
    this.#held += bytes;
    return true;
  }

  /** An answer holds nothing any more. */
  release(answer: Untaken): void {
    this.#held -= this.#answers.get(answer) ?? 0;
    this.#answers.delete(answer);
  }
}
