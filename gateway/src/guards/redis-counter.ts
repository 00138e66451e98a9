import { createClient, type RedisClientType } from '@redis/client';
import type { Logger } from '@shop/service-kit/logger.ts';
import type { ClientRateLimitInfo, Options, Store } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';
import * as z from 'zod';
import { WindowCounter } from './window-counter.ts';

/** Milliseconds that a request waits for Redis. */
const patience = 100;

/** Milliseconds from the loss of Redis to the next attempt, and what an attempt may take. */
const pause = 1_000;

/** Whether the client can be made of a URL. What it does not look at is the sign or the end of a database's number. */
function isRedisUrl(url: string): boolean {
  try {
    createClient({ url });
    return /^\/?\d*$/.test(new URL(url).pathname);
  } catch {
    return false;
  }
}

export const redisUrlSetting = z
  .url({ protocol: /^rediss?$/ })
  .refine(isRedisUrl)
  .describe('a redis or rediss URL, whose path is the number of a database if it has one');

/** @throws {Error} when it takes longer than `patience` */
async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>();
  const give = () => late.reject(new Error(`no answer within ${patience} ms`));
  // When it was this process that had no time, the answer is there, and is read before the immediate.
  const timer = setTimeout(() => setImmediate(give), patience);
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer));
}

/**
 * Counts in Redis. While that is away or too slow it counts here, so that every request is answered and limited all the same, and
 * looks for it again each second, aside from any request. A connection that has failed once is not used again: nothing is known of
 * what is still under way on it.
 */
export class RedisCounter implements Store {
  readonly #url: string;
  readonly #logger: Logger;
  readonly #local = new WindowCounter();
  /** Settles when the first attempt to connect has come to an end, be it good or bad. */
  attempted: Promise<void> | undefined;
  #options: Options | undefined;
  #client: RedisClientType | undefined;
  #shared: RedisStore | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isAway = false;

  constructor(url: string, logger: Logger) {
    this.#url = url;
    this.#logger = logger;
  }

  init(options: Options): void {
    this.#options = options;
    this.#local.init(options);
    this.attempted = this.#connect(options);
  }

  async increment(key: string): Promise<ClientRateLimitInfo> {
    const client = this.#client;
    if (client && this.#shared) {
      try {
        return await inTime(this.#shared.increment(key));
      } catch (error) {
        this.#lose(client, error);
      }
    }
    return this.#local.increment(key);
  }

  async decrement(key: string): Promise<void> {
    await (this.#shared ?? this.#local).decrement(key);
  }

  async resetKey(key: string): Promise<void> {
    await (this.#shared ?? this.#local).resetKey(key);
  }

  /** Ends counting, and the connection. */
  shutdown(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#shared = undefined;
    clearTimeout(this.#retry);
    if (client?.isOpen) client.destroy();
    this.#local.shutdown();
  }

  async #connect(options: Options): Promise<void> {
    const client: RedisClientType = createClient({
      url: this.#url,
      disableOfflineQueue: true,
      socket: { connectTimeout: pause, reconnectStrategy: false },
    });
    this.#client = client;
    client.on('error', (error) => this.#lose(client, error));
    try {
      await client.connect();
      const shared = new RedisStore({ prefix: 'shop:requests:', sendCommand: (...words) => client.sendCommand(words) });
      await inTime(shared.init(options));
      if (this.#client !== client) return;
      this.#shared = shared;
      if (this.#isAway) this.#logger.info('Redis is back: counting requests together with the other gateways');
      this.#isAway = false;
    } catch (error) {
      this.#lose(client, error);
    }
  }

  #lose(client: RedisClientType, error: unknown): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#shared = undefined;
    if (client.isOpen) client.destroy();
    if (!this.#isAway)
      this.#logger.warn({ err: error }, 'Redis is unreachable: this gateway counts requests on its own');
    this.#isAway = true;
    this.#retry = setTimeout(() => void this.#connect(this.#options as Options), pause).unref();
  }
}
