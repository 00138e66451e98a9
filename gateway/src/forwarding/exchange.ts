import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { largeBody } from '@shop/service-kit/body-limit.ts';
import { budgetOf, requestTimeoutHeader } from '@shop/service-kit/deadline.ts';
import { hasBody } from '@shop/service-kit/early-answer.ts';
import { upstreamQuarantined, upstreamRetried } from '@shop/service-kit/metrics.ts';
import { Problem, unavailable } from '@shop/service-kit/problem.ts';
import { keepAliveHeader } from '@shop/service-kit/server.ts';
import type { Holder, SharedMemory } from '../guards/shared-memory.ts';
import type { Guest } from '../upstreams/admission.ts';
import { fingerprintOf, type Suspect } from '../upstreams/circuit-breaker.ts';
import type { Attempt, Replica } from '../upstreams/replica.ts';
import type { UpstreamPool } from '../upstreams/upstream-pool.ts';
import { connectInTime, interceptInProgress, progressInterval } from './attempt.ts';
import { dropHopByHop } from './hop-by-hop.ts';
import { bodyLimitOf, KeptBody } from './request-body.ts';

/** Milliseconds from the first attempt, after which none begins on yet another replica because one cannot be connected to. */
const searchPatience = 1_000;

/** What is passed on by means of what, and what is counted. */
export interface Passage {
  pool: UpstreamPool;
  /** The memory of request bodies, and that of responses that clients have not taken yet. */
  bodies: SharedMemory;
  answers: SharedMemory;
  /** Milliseconds from the head of a request to the end of what the service answers. */
  requestTimeout: number;
  /** Sends the request to the replica that the exchange has chosen. */
  send(req: IncomingMessage, res: ServerResponse): void;
}

const budgetHeader = requestTimeoutHeader.toLowerCase();

const isRead = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

/**
 * A client's request on its way to a service: its deadline, its body, the attempts to have it answered. It is sent again where
 * that can do no harm: to any replica while no connection was made, since then nothing was sent; once more after a connection
 * that broke, if it only reads or has an `Idempotency-Key`.
 */
export class Exchange implements Attempt, Guest, Holder, Suspect {
  /** Who sends it, see `clientOf`. */
  readonly client: string;
  readonly #passage: Passage;
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #fail: (problem: Problem) => void;
  /** Milliseconds that it has in all. */
  readonly #budget: number;
  readonly #deadline: number;
  readonly #timer: NodeJS.Timeout;
  #body: KeptBody | undefined;
  #bytes: Buffer | undefined;
  #sendingSince = 0;
  #fingerprint: string | undefined;
  #cause: Error | undefined;
  #replica: Replica | undefined;
  #tried: Set<Replica> | undefined;
  #request: ClientRequest | undefined;
  #isConnected = false;
  #isRepeated = false;
  #isAnswered = false;
  #isServed = false;
  #isOver = false;

  /** @param fail answers with a problem, or breaks the connection off when an answer has begun */
  constructor(
    passage: Passage,
    client: string,
    req: IncomingMessage,
    res: ServerResponse,
    fail: (problem: Problem) => void,
  ) {
    this.client = client;
    this.#passage = passage;
    this.#req = req;
    this.#res = res;
    this.#fail = fail;
    this.#budget = budgetOf(req, passage.requestTimeout);
    this.#deadline = performance.now() + this.#budget;
    this.#timer = setTimeout(() => this.#timeUp(), this.#budget);
    res.once('close', () => this.#end());
  }

  /** Reads the body, where there is one, and sends the request on. */
  start(): void {
    if (!hasBody(this.#req)) {
      this.#passage.pool.admission.enter(this);
      return;
    }
    const { headers } = this.#req;
    const limit = bodyLimitOf(this.#req);
    if (limit instanceof Problem) {
      this.#finish(limit);
      return;
    }
    const { pool } = this.#passage;
    const away = Number(headers['content-length']) > largeBody && pool.turnedAway.find(this.client);
    if (away) {
      // Held back unread for a while, so that who does not wait is no quicker than who does.
      const busy = new Problem('unavailable', `${pool.name} has as many large bodies as it can take.`, {
        headers: { 'Retry-After': `${away.retryAfter}` },
      });
      setTimeout(() => this.#finish(busy), away.left);
      return;
    }
    this.#body = new KeptBody(this.#req, { client: this.client, limit, memory: this.#passage.bodies });
    this.#body.whole.then(
      (bytes) => {
        if (this.#isOver) return;
        this.#bytes = bytes;
        headers['content-length'] = String(bytes.length);
        delete headers['transfer-encoding'];
        this.#passage.pool.admission.enter(this);
      },
      (problem: Problem) => this.#finish(problem),
    );
  }

  admit(): void {
    const { breaker } = this.#passage.pool;
    this.#sendingSince = performance.now();
    if (breaker.isClosed) this.proceed();
    else breaker.enter(this);
  }

  get sentAt(): number {
    return this.#sendingSince;
  }

  get isRetry(): boolean {
    return this.#isRepeated;
  }

  get fingerprint(): string {
    const { method = 'GET', url = '/' } = this.#req;
    this.#fingerprint ??= fingerprintOf(method, url, this.#bytes);
    return this.#fingerprint;
  }

  proceed(): void {
    if (!this.#isOver) this.#send(this.#passage.pool.pick(this.#tried), this.#cause);
  }

  quarantine(milliseconds: number): void {
    const { name } = this.#passage.pool;
    const seconds = Math.ceil(milliseconds / 1_000);
    const detail = `Replicas of ${name} failed while handling this request. It is not forwarded again for ${seconds} s.`;
    upstreamQuarantined(name);
    this.#finish(new Problem('unavailable', detail, { headers: { 'Retry-After': `${seconds}` } }));
  }

  refuse(): void {
    this.#finish(this.#passage.pool.busy);
  }

  /** Where the request goes now. */
  get target(): URL {
    return (this.#replica as Replica).url;
  }

  /** The request to the replica has its connection, or is to have it soon. */
  begin(request: ClientRequest): void {
    this.#request = request;
    if (this.#isOver) {
      request.destroy();
      return;
    }
    this.#isConnected = !request.socket?.connecting;
    if (!this.#isConnected) {
      connectInTime(request, () => {
        this.#isConnected = true;
      });
    }
    if (this.#isRepeated && !isRead(this.#req.method)) {
      const timeLeft = () => this.#deadline - performance.now();
      interceptInProgress(request, { timeLeft, sendLater: () => this.#sendLater() });
    }
    request.end(this.#bytes);
  }

  /** The replica answers. What it says of its connection is for the gateway; the client is told of its own. */
  answer(answer: IncomingMessage): void {
    const { headers } = answer;
    this.#isAnswered = true;
    const { breaker, turnedAway } = this.#passage.pool;
    breaker.leave(this);
    if (answer.statusCode === 503 && (this.#bytes?.length ?? 0) > largeBody) {
      turnedAway.add(this.client, Number(headers['retry-after'] ?? 0));
    }
    answer.once('end', () => {
      // What says that it is overloaded has not tried.
      if (!breaker.isClosed && answer.statusCode !== 503) breaker.clear(this);
      this.#leaveService();
    });
    answer.on('pause', () => this.#takeOver(answer));
    (this.#replica as Replica).lastAnswer = performance.now();
    const keep = this.#res.shouldKeepAlive && this.#res.getHeader('connection') !== 'close';
    dropHopByHop(headers);
    headers.connection = keep ? 'keep-alive' : 'close';
    if (keep) headers['keep-alive'] = keepAliveHeader;
  }

  /** The request could not be sent, or not be answered. */
  fail(error: Error): void {
    if (this.#isOver) return;
    const { pool } = this.#passage;
    const replica = this.#replica as Replica;
    if ((error as NodeJS.ErrnoException).code === 'ERR_UNESCAPED_CHARACTERS') {
      this.#finish(new Problem('validation_failed', 'The URL holds characters that have to be percent-encoded.'));
      return;
    }
    if ((error as NodeJS.ErrnoException).code?.startsWith('HPE_')) {
      // It is there, and says something that cannot be read: to ask again, or another one, would be no better.
      this.#finish(unavailable(`${pool.name} has given an answer that cannot be read.`, error));
      return;
    }
    const mayRetry = this.#isConnected && pool.breaker.lost(this, replica.lossNow());
    if (this.#isAnswered) {
      this.#finish(unavailable(`${pool.name} aborted its response.`, error));
      return;
    }
    replica.inFlight.delete(this);
    pool.setAside(replica);
    this.#tried ??= new Set();
    this.#tried.add(replica);
    if (this.#isConnected) this.#retry(error, mayRetry);
    else this.#search(error);
  }

  /** Has the request sent once more after a connection that broke, unless that could do harm. */
  #retry(error: Error, mayRetry: boolean): void {
    const { pool } = this.#passage;
    if (mayRetry && this.#isRepeatable && !this.#isRepeated) {
      upstreamRetried(pool.name);
      this.#isRepeated = true;
      this.#cause = error;
      pool.breaker.enter(this);
    } else if (isRead(this.#req.method)) this.#finish(pool.away(error));
    else {
      const detail = `${pool.name} failed while handling the request; the change may or may not have been applied.`;
      this.#finish(unavailable(detail, error));
    }
  }

  /** Looks for another replica after one that could not be connected to. */
  #search(error: Error): void {
    const { pool } = this.#passage;
    const next = pool.pick(this.#tried);
    if (next && !this.#tried?.has(next) && performance.now() - this.#sendingSince < searchPatience) {
      upstreamRetried(pool.name);
      this.#send(next, error);
    } else this.#finish(pool.away(error));
  }

  abandon(): void {
    if (!this.#isAnswered && (this.#isRepeatable || !this.#isConnected)) {
      this.#request?.destroy(new Error('the replica has fallen silent'));
    }
  }

  evict(): void {
    this.#end();
    this.#res.destroy();
  }

  get #isRepeatable(): boolean {
    return isRead(this.#req.method) || this.#req.headers['idempotency-key'] !== undefined;
  }

  #send(replica: Replica | undefined, cause?: Error): void {
    const { pool, send } = this.#passage;
    if (!replica) {
      this.#finish(pool.away(cause));
      return;
    }
    this.#replica = replica;
    this.#request = undefined;
    this.#isConnected = false;
    replica.inFlight.add(this);
    this.#req.headers[budgetHeader] = String(Math.max(1, Math.floor(this.#deadline - performance.now())));
    send(this.#req, this.#res);
  }

  /** The first attempt of a write with a key still runs: it is asked again a little later. */
  #sendLater(): void {
    this.#replica?.inFlight.delete(this);
    // Each attempt listens to it anew.
    this.#res.setMaxListeners(0);
    this.#req.setMaxListeners(0);
    setTimeout(() => {
      if (!this.#isOver) this.#send(this.#passage.pool.pick());
    }, progressInterval);
  }

  #timeUp(): void {
    const { pool } = this.#passage;
    if (this.#body && !this.#bytes) {
      const detail = `The request was not received within ${this.#budget} ms.`;
      this.#finish(new Problem('request_timeout', detail, { headers: { Connection: 'close' } }));
    } else if (this.#sendingSince === 0) this.refuse();
    else this.#finish(new Problem('upstream_timeout', `${pool.name} did not respond in time.`));
  }

  #finish(problem: Problem): void {
    if (this.#isOver) return;
    this.#end();
    // Of an answer whose head has come the client is not to get another one.
    if (this.#isAnswered && !this.#res.headersSent) this.#res.flushHeaders();
    this.#fail(problem);
    this.#request?.destroy();
  }

  /** The client takes its answer more slowly than it comes: what it leaves is kept here, and not in the service. */
  #takeOver(answer: IncomingMessage): void {
    if (this.#isOver || !this.#passage.answers.hold(this, this.#res.writableLength)) return;
    // Whoever has paused it is about to wait for the client.
    process.nextTick(() => answer.resume());
  }

  /** The service has done its part: nobody waits for that any more, and it has room for the next one. */
  #leaveService(): void {
    if (this.#isServed) return;
    this.#isServed = true;
    clearTimeout(this.#timer);
    this.#passage.pool.admission.leave(this);
    this.#replica?.inFlight.delete(this);
    this.#body?.release();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#passage.pool.breaker.leave(this);
    this.#leaveService();
    this.#passage.answers.release(this);
  }
}
