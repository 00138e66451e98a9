import { FairQueue } from './fair-queue.ts';

/** Work was not begun, since too much like it runs or waits. */
export class LaneError extends Error {
  override name = 'LaneError';
  /** Seconds after which there may be a turn. */
  readonly retryAfter: number;

  constructor(retryAfter: number) {
    super('the lane is full, or too slow');
    this.retryAfter = retryAfter;
  }
}

/** The longest that anybody is told to stay away, in milliseconds. */
const longestAbsence = 10_000;

/** One that waits for its turn. */
interface Waiting {
  readonly client: string;
  enter(): void;
  refuse(): void;
}

/**
 * Lets heavy work run, little at a time, so that it leaves processors and connections to all other. What comes meanwhile waits
 * its turn, as long as the latest ones were short enough for it to come soon: where all are quick, a crowd of them passes, and where they
 * take a second each, whoever would have to wait for long is refused at once, and holds no place that others need. Clients have turns.
 * Whoever is refused is told a time at which nobody else was told to come, as far as there is one
 * (docs/decisions/0024-expensive-reads-have-a-lane.md).
 */
export class LimitedLane {
  readonly #width: number;
  readonly #longestWait: number;
  readonly #queue = new FairQueue<Waiting>();
  #running = 0;
  /** How long the latest ones took, in milliseconds. Of three, so that a single slow one is no reason to refuse others. */
  #latest = [0, 0, 0];
  /** When the latest one began. */
  #moved = 0;
  /** Until when those who were refused would keep it busy, if each of them came as it was told. */
  #promised = 0;
  #watch: NodeJS.Timeout | undefined;

  /**
   * @param width how much runs at a time
   * @param longestWait milliseconds that anybody waits at the most, and may be expected to wait
   */
  constructor(width: number, longestWait = 1_000) {
    this.#width = width;
    this.#longestWait = longestWait;
  }

  /**
   * Waits for a turn of work of a client, for `patience` milliseconds at the most.
   * @returns what ends the turn; it may be called again, for nothing
   * @throws {LaneError}
   */
  async enter(client: string, patience = Number.POSITIVE_INFINITY): Promise<() => void> {
    if (this.#running < this.#width) this.#running += 1;
    else await this.#turn(client, Math.min(patience, this.#longestWait));
    const began = performance.now();
    this.#moved = began;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      this.#latest = [...this.#latest.slice(1), performance.now() - began];
      const next = this.#queue.take();
      if (next) next.enter();
      else this.#running -= 1;
    };
  }

  /** Refuses work, and says when there may be a turn for it. */
  refusal(): LaneError {
    const now = performance.now();
    const begin = now + (this.#queue.size * this.#pace) / this.#width;
    const absence = Math.min(Math.max(this.#promised, begin) + this.#pace / this.#width - now, longestAbsence);
    this.#promised = now + absence;
    return new LaneError(Math.max(1, Math.ceil(absence / 1_000)));
  }

  /** Milliseconds that one takes, by the latest ones, and by how long nothing has moved once that is no passing stall. */
  get #pace(): number {
    const median = this.#latest.toSorted((a, b) => a - b)[1] ?? 0;
    const still = this.#running < this.#width ? 0 : performance.now() - this.#moved;
    return still > this.#longestWait / 2 ? Math.max(median, still) : median;
  }

  /** How many may wait: those whose turn can be expected in time. */
  get #room(): number {
    return (this.#width * this.#longestWait) / this.#pace;
  }

  /** Waits for a place of those who run. */
  async #turn(client: string, patience: number): Promise<void> {
    if (this.#queue.size + 1 > this.#room) {
      // A client that has fewer waiting than another takes the place of one of these.
      const last = this.#queue.lastOfLargest();
      if (!last || this.#queue.sizeOf(last.client) <= this.#queue.sizeOf(client) + 1) throw this.refusal();
      last.refuse();
    }
    this.#watch ??= setInterval(() => this.#refuseLast(), this.#longestWait / 20).unref();
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = {
      client,
      enter: turn.resolve,
      refuse: () => {
        this.#queue.delete(waiting);
        turn.reject(this.refusal());
      },
    };
    const timer = setTimeout(waiting.refuse, patience);
    this.#queue.add(waiting);
    await turn.promise.finally(() => clearTimeout(timer));
  }

  /** Refuses those who came last, when less moves than was expected. */
  #refuseLast(): void {
    while (this.#queue.size > this.#room) this.#queue.lastOfLargest()?.refuse();
    if (this.#queue.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}
