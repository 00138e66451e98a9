import { remaining, within } from '@shop/service-kit/deadline.ts';
import { isTimeUp, LaneError } from '../errors.ts';

/** Milliseconds. */
export interface LaneBounds {
  /** What work in the lane may take, waiting included; less, where less is left of its request. */
  longest: number;
  /** What it waits at the most, and may be expected to wait. */
  longestWait: number;
}

/**
 * Runs expensive reads, few at a time, so that they leave connections and the database's processors to all others. Others wait
 * their turn, as long as the latest ones were short enough for it to come soon: where all are quick, as in a small catalogue,
 * a crowd of them passes, and where they take a second each, whoever would have to wait is refused at once, and holds no place
 * that a cheap read needs (docs/decisions/0024-expensive-reads-have-a-lane.md).
 */
export class LimitedLane {
  readonly #width: number;
  readonly #bounds: LaneBounds;
  /** Those who wait, the first first. */
  readonly #queue: { enter(): void; refuse(): void }[] = [];
  #running = 0;
  /** How long the latest ones took, in milliseconds. Of three, so that a single slow one is no reason to refuse others. */
  #latest = [0, 0, 0];
  /** When the latest one began. */
  #moved = 0;
  #watch: NodeJS.Timeout | undefined;

  /** @param width how many run at a time */
  constructor(width: number, bounds: LaneBounds = { longest: 3_000, longestWait: 1_000 }) {
    this.#width = width;
    this.#bounds = bounds;
  }

  /**
   * Runs work when it is its turn.
   * @throws {LaneError} the wait would be too long, or the time of the lane was up before that of the request
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const end = performance.now() + Math.min(remaining(), this.#bounds.longest);
    if (this.#running < this.#width) this.#running += 1;
    else await this.#turn(end);
    const began = performance.now();
    this.#moved = began;
    try {
      return await within(end - began, work);
    } catch (error) {
      throw isTimeUp(error) && remaining() > 0 ? new LaneError({ cause: error }) : error;
    } finally {
      this.#latest = [...this.#latest.slice(1), performance.now() - began];
      const next = this.#queue.shift();
      if (next) next.enter();
      else this.#running -= 1;
    }
  }

  /** How many may wait: those whose turn can be expected in time, by the latest durations and by how long nothing has moved. */
  get #room(): number {
    const median = this.#latest.toSorted((a, b) => a - b)[1] ?? 0;
    return (this.#width * this.#bounds.longestWait) / Math.max(median, performance.now() - this.#moved);
  }

  /** Waits for a place of those who run. */
  async #turn(end: number): Promise<void> {
    if (this.#queue.length + 1 > this.#room) throw new LaneError();
    const { longestWait } = this.#bounds;
    this.#watch ??= setInterval(() => this.#refuseLast(), longestWait / 20).unref();
    const turn = Promise.withResolvers<void>();
    const waiting = { enter: turn.resolve, refuse: () => turn.reject(new LaneError()) };
    const timer = setTimeout(
      () => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        waiting.refuse();
      },
      Math.min(longestWait, end - performance.now()),
    );
    this.#queue.push(waiting);
    await turn.promise.finally(() => clearTimeout(timer));
  }

  /** Refuses those who came last, when less moves than was expected. */
  #refuseLast(): void {
    while (this.#queue.length > this.#room) this.#queue.pop()?.refuse();
    if (this.#queue.length > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}
