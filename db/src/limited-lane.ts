import { remaining, within } from '@shop/service-kit/deadline.ts';
import { isTimeUp, LaneError } from './errors.ts';

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
  readonly #queue: (() => void)[] = [];
  #running = 0;
  readonly #bounds: LaneBounds;
  /** How long the latest ones took, in milliseconds. Of three, so that a single slow one is no reason to refuse others. */
  #latest = [0, 0, 0];

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
    try {
      return await within(end - began, work);
    } catch (error) {
      throw isTimeUp(error) && remaining() > 0 ? new LaneError({ cause: error }) : error;
    } finally {
      this.#latest = [...this.#latest.slice(1), performance.now() - began];
      const next = this.#queue.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  /** Waits for a place of those who run. */
  #turn(end: number): Promise<void> {
    const { longestWait } = this.#bounds;
    const typical = this.#latest.toSorted((a, b) => a - b)[1] ?? 0;
    if (((this.#queue.length + 1) * typical) / this.#width > longestWait) throw new LaneError();
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(
        () => {
          this.#queue.splice(this.#queue.indexOf(enter), 1);
          reject(new LaneError());
        },
        Math.min(longestWait, end - performance.now()),
      );
      this.#queue.push(enter);
    });
  }
}
