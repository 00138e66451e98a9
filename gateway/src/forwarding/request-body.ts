import type { IncomingMessage } from 'node:http';
import { batchBodyLimit, bodyLimit } from '@shop/service-kit/body-limit.ts';
import { nothingAt, Problem, unavailable } from '@shop/service-kit/problem.ts';
import { notAllowed } from '@shop/service-kit/router.ts';
import type { Holder, SharedMemory } from '../guards/shared-memory.ts';
import { BytePages } from './byte-pages.ts';
import { isBelow, methodsAt } from './routes.ts';

/** Bytes of a body where no route uses one. Some clients send `{}` with every request; a DELETE may bring its precondition. */
const unusedBodyLimit = 2 ** 10;

/** Bytes that have to come of a body in each interval, whose length is in milliseconds. */
const paceBytes = 3 * 2 ** 10;
const paceInterval = 3_000;

/** Pieces that any body may come in, and bytes of a larger one for each more. To read a piece costs the same, however small it is. */
const usualPieces = 10_000;
const bytesForPiece = 64;

const noRoom = (): Problem => unavailable('The memory for request bodies is full.');

const usesBody = new Set(['POST', 'PUT', 'PATCH']);

/**
 * Bytes that the body of a request may have, by its method and path alone: the query is the client's.
 * @returns 404 or 405 where no service has the path or the method
 */
export function bodyLimitOf({ method = 'GET', url = '/' }: IncomingMessage): number | Problem {
  const [path = '/'] = url.split('?', 1);
  if (!isBelow('/api', path)) return unusedBodyLimit;
  const methods = methodsAt(path);
  if (!methods) return nothingAt(method, path);
  const name = (method === 'HEAD' ? 'GET' : method).toLowerCase();
  if (!methods.some((one) => one === name)) return notAllowed(method, methods);
  if (!usesBody.has(method)) return unusedBodyLimit;
  return /\/batch\/?$/i.test(path) ? batchBodyLimit : bodyLimit;
}

/** A body while it is read, and as long as it is kept. */
export class KeptBody implements Holder {
  readonly client: string;
  /**
   * The whole of it. Waits for ever when the client breaks off: nobody is left to answer.
   * @throws {Problem} 413 as soon as it is known to be too long, 408 when it comes too slowly, 503 when others need the memory
   */
  readonly whole: Promise<Buffer>;
  readonly #memory: SharedMemory;
  readonly #pages: BytePages;
  readonly #pace: NodeJS.Timeout;
  readonly #refuse: (problem: Problem) => void;
  #lengthBefore = 0;
  /** What comes after the end is thrown away, so that a client which still sends can read its answer. */
  #isOver = false;

  /** Reads a body of at most `limit` bytes. */
  constructor(
    req: IncomingMessage,
    { client, limit, memory }: { client: string; limit: number; memory: SharedMemory },
  ) {
    const announced = Number(req.headers['content-length'] ?? Number.NaN);
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    this.client = client;
    this.whole = promise;
    this.#memory = memory;
    this.#pages = new BytePages(announced);
    this.#refuse = (problem) => {
      this.#stop();
      memory.release(this);
      this.#pages.clear();
      reject(problem);
    };
    this.#pace = setTimeout(() => this.#checkPace(), paceInterval);
    let pieces = 0;
    const tooLarge = () => this.#refuse(new Problem('body_too_large', 'The body is larger than this path accepts.'));
    if (announced > limit) tooLarge();
    req.on('data', (piece: Buffer) => {
      if (this.#isOver) return;
      pieces++;
      if (this.#pages.length + piece.length > limit) tooLarge();
      else if (pieces > usualPieces + this.#pages.length / bytesForPiece) {
        this.#refuse(new Problem('body_too_large', 'The body has too many small chunks.'));
        // To throw away what follows would cost as much as to keep it.
        req.socket.pause();
      } else if (this.#reserve(piece.length)) this.#pages.add(piece);
      else this.#refuse(noRoom());
    });
    req.on('end', () => {
      if (this.#isOver) return;
      this.#stop();
      memory.settle(this);
      resolve(this.#pages.whole());
    });
  }

  evict(): void {
    this.#refuse(noRoom());
  }

  /** Has to be called once, however the request ends: until then its bytes count. */
  release(): void {
    this.#stop();
    this.#memory.release(this);
    this.#pages.clear();
  }

  /** Takes the memory for bytes that have come. Those that fit into the last page are no progress that counts. */
  #reserve(bytes: number): boolean {
    const capacity = this.#pages.capacityWith(bytes);
    return capacity === this.#pages.capacity || this.#memory.hold(this, capacity);
  }

  #stop(): void {
    this.#isOver = true;
    clearTimeout(this.#pace);
  }

  #checkPace(): void {
    // When this process itself had no time, what has come meanwhile is read before the immediate.
    setImmediate(() => {
      if (this.#isOver) return;
      const { length } = this.#pages;
      if (length - this.#lengthBefore < paceBytes) {
        this.#refuse(
          new Problem('request_timeout', `The body arrived at less than ${paceBytes} bytes per ${paceInterval} ms.`),
        );
        return;
      }
      this.#lengthBefore = length;
      this.#pace.refresh();
    });
  }
}
