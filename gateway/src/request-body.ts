import type { IncomingMessage } from 'node:http';
import { batchBodyLimit, bodyLimit } from '@shop/service-kit/body-limit.ts';
import { Problem, unavailable } from '@shop/service-kit/problem.ts';

/** Bytes that the body of a request to this URL may have, by its path alone: the query is the client's. */
export const bodyLimitOf = (url = '/'): number => (/^[^?]*\/batch\/?(\?|$)/i.test(url) ? batchBodyLimit : bodyLimit);

/** Whether a request announces a body, of whatever length. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Counts the bytes of bodies that are held for all requests together. */
export class BodyBudget {
  readonly #maximum: number;
  #held = 0;

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  /** Takes bytes; false when there are not as many left. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#maximum) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

/** A body while it is read, and as long as it is kept. */
export interface KeptBody {
  /**
   * The whole of it. Waits for ever when the client breaks off: nobody is left to answer.
   * @throws {Problem} 413 as soon as it is known to be too long, 503 when too much is held for others
   */
  whole: Promise<Buffer>;
  /** Has to be called once, however the request ends: until then its bytes count. */
  release(): void;
}

/** Reads a body of at most `limit` bytes, which are counted in `budget`. */
export function keepBody(req: IncomingMessage, { limit, budget }: { limit: number; budget: BodyBudget }): KeptBody {
  const chunks: Buffer[] = [];
  let length = 0;
  // What comes after the end is thrown away, so that a client which still sends can read its answer.
  let over = false;
  const whole = new Promise<Buffer>((resolve, reject) => {
    const refuse = (problem: Problem): void => {
      over = true;
      reject(problem);
    };
    const tooLarge = () => refuse(new Problem('body_too_large', 'The body is larger than this path accepts.'));
    if (Number(req.headers['content-length'] ?? 0) > limit) tooLarge();
    req.on('data', (chunk: Buffer) => {
      if (over) return;
      if (length + chunk.length > limit) tooLarge();
      else if (!budget.take(chunk.length)) refuse(unavailable('Too many requests are being read at the moment.'));
      else {
        length += chunk.length;
        chunks.push(chunk);
      }
    });
    req.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, length)));
  });
  const release = (): void => {
    over = true;
    budget.give(length);
    chunks.length = 0;
  };
  return { whole, release };
}
