import { AsyncLocalStorage } from 'node:async_hooks';
import { remaining } from './deadline.ts';
import { unavailable } from './problem.ts';
import { responseBytes } from './response-bound.ts';

/** Bytes that the large responses of a process may take together, and one of them while it is made and sent. */
const budget = { all: 64 * 2 ** 20, one: 2 * responseBytes };

/** A response of up to so many bytes is not counted: there is room for all of those that a service works on at a time. */
const small = 512 * 2 ** 10;

/** How many large responses there may be at a time. */
export const mostLarge = budget.all / budget.one;

/** Is thrown by what would read a large response, when there are too many already. It is read anew when one has ended. */
class NoRoom extends Error {}

/** The part that one piece of work has in the budget, until nobody needs what came of it. */
class Share {
  /** Whether it counts as large. */
  isLarge = false;
  #holders = 1;

  hold(): void {
    this.#holders += 1;
  }

  drop(): void {
    this.#holders -= 1;
    if (this.#holders === 0 && this.isLarge) giveBack();
  }
}

let large = 0;
/** Those who wait for another to end, in the order of their coming. */
const waiting = new Set<() => void>();
const shares = new AsyncLocalStorage<Share>();
/** What the results are of that somebody may still send. */
const shareOf = new WeakMap<object, Share>();

/** Gives the part of one that has ended to who waits first. */
function giveBack(): void {
  const [next] = waiting;
  if (next) {
    waiting.delete(next);
    next();
  } else large -= 1;
}

/**
 * Says how many bytes a response is going to have, before they are read.
 * @throws ends the work of {@link withinBudget}, which is done anew when there is room
 */
export function claim(bytes: number): void {
  const share = shares.getStore();
  if (bytes <= small || !share || share.isLarge) return;
  if (large >= mostLarge) throw new NoRoom();
  large += 1;
  share.isLarge = true;
}

/** @throws {Problem} 503 when the time is up before there is room */
function untilRoom(): Promise<void> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const enter = () => {
      clearTimeout(timer);
      resolve();
    };
    const left = remaining();
    if (Number.isFinite(left)) {
      timer = setTimeout(() => {
        waiting.delete(enter);
        reject(unavailable('Too many large responses are being sent. Try again, or request less.'));
      }, left);
    }
    waiting.add(enter);
  });
}

/**
 * Does the work of a request, which is done anew from the start where its response turns out to be large and there is no
 * room for it now. What small responses pay is one object. A result that is sent has to be {@link held} until it is.
 * @throws {Problem} 503
 */
export async function withinBudget<T extends object>(work: () => Promise<T>): Promise<T> {
  const share = new Share();
  // Those who share the result hold it by then.
  const release = () => setImmediate(() => share.drop());
  for (;;) {
    try {
      const result = await shares.run(share, work);
      if (share.isLarge) shareOf.set(result, share);
      release();
      return result;
    } catch (error) {
      if (!(error instanceof NoRoom)) {
        release();
        throw error;
      }
      await untilRoom();
      share.isLarge = true;
    }
  }
}

/** Keeps the part that a result has in the budget. Returns what ends that. */
export function held(result: object): () => void {
  const share = shareOf.get(result);
  share?.hold();
  return () => share?.drop();
}
