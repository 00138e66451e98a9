import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@shop/service-kit/logger.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import type { NextFunction, Request, Response } from 'express';
import { rateLimit } from 'express-rate-limit';
import * as z from 'zod';
import { clientOf } from './client-of.ts';
import { RedisCounter } from './redis-counter.ts';
import { WindowCounter } from './window-counter.ts';

/** How many requests are allowed, and in how many seconds. */
export interface RateLimit {
  count: number;
  seconds: number;
}

const secondsOf = { s: 1, m: 60, h: 3_600 };

/** `600/60s`: a number of requests, and a time of at most a day in seconds, minutes (`m`) or hours (`h`). */
export const rateLimitSetting = z
  .string()
  .regex(/^[1-9]\d{0,8}\/[1-9]\d{0,4}[smh]$/)
  .transform((text): RateLimit => {
    const [count, time = ''] = text.split('/');
    return {
      count: Number(count),
      seconds: Number.parseInt(time, 10) * secondsOf[time.at(-1) as keyof typeof secondsOf],
    };
  })
  .refine(({ seconds }) => seconds <= 86_400)
  .describe('a number of requests and a time of at most a day, such as 600/60s');

/** Says how many requests are left, and gives 429 for one that is too many. */
export type Limiter = (req: IncomingMessage, res: ServerResponse, decide: (problem?: Problem) => void) => void;

/**
 * Counts requests, in this process or, with a Redis, together with the other gateways that have the same one.
 * @returns `close` gives up the connection to Redis
 */
export async function createLimiter(
  { count, seconds }: RateLimit,
  { redisUrl, trustProxy }: { redisUrl: string | undefined; trustProxy: boolean },
  logger: Logger,
): Promise<{ limit: Limiter; close(): void }> {
  const store = redisUrl === undefined ? new WindowCounter() : new RedisCounter(redisUrl, logger);
  const middleware = rateLimit({
    windowMs: seconds * 1_000,
    limit: count,
    standardHeaders: 'draft-8',
    legacyHeaders: false,
    identifier: 'api',
    store,
    keyGenerator: (req) => clientOf(req, trustProxy),
    handler: (_req, _res, next) =>
      next(new Problem('rate_limited', `The limit is ${count} requests per ${seconds} seconds.`)),
  });
  if (store instanceof RedisCounter) await store.attempted;
  return {
    limit: (req, res, decide) => {
      // What the library uses of Express's response, which this is not.
      const response = {
        headersSent: res.headersSent,
        append: (name: string, value: string) => res.appendHeader(name, value),
        setHeader: (name: string, value: string) => res.setHeader(name, value),
      };
      void middleware(req as Request, response as unknown as Response, decide as NextFunction);
    },
    close: () => store.shutdown(),
  };
}
