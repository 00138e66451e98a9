import { isAscii, isUtf8 } from 'node:buffer';
import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import express, { type Request, type Response, Router } from 'express';
import { largeBody } from './body-limit.ts';
import { bodyProblems, notJsonText } from './body-problem.ts';
import { senderOf } from './client.ts';
import { cutShort, timeLeft } from './deadline.ts';
import { mayBeInexact, noteInexact } from './exact-numbers.ts';
import { jsonBounds, passedBound } from './json-bounds.ts';
import { LaneError, LimitedLane } from './limited-lane.ts';
import { bodyTypes } from './media-types.ts';
import { Problem } from './problem.ts';

/** How JSON bodies are read. */
export interface JsonBodies {
  /** Bytes that one may have. */
  limit: number;
  /** The same, for a path's own. */
  limits?: ReadonlyMap<string, number>;
}

/** Milliseconds that one of these waits for its turn at the most. */
const patience = 3_000;

/** The share of its time that one of these is worked on before it is given up: what is left is enough to say so. */
const workShare = 0.9;

const beyond: Record<keyof typeof jsonBounds, [code: string, detail: string]> = {
  depth: ['too_deep', `must not be nested more than ${jsonBounds.depth} deep`],
  values: ['too_many_values', `must not have more than ${jsonBounds.values} values`],
};

/** Reads JSON bodies, and puts their values in `req.body`. */
export function jsonBody({ limit, limits = new Map() }: JsonBodies): Router {
  const textUpTo = (most: number) =>
    express.text({
      limit: most,
      type: bodyTypes,
      verify: (_req, _res, body, encoding) => {
        const isRead =
          ['utf-8', 'utf8'].includes(encoding) || (['us-ascii', 'ascii'].includes(encoding) && isAscii(body));
        if (!isRead) throw Object.assign(new Error('not UTF-8'), { type: 'charset.unsupported' });
        if (!isUtf8(body)) throw new Error('not UTF-8');
      },
    });
  const lane = new LimitedLane(Math.max(1, Math.floor(availableParallelism() / 2)), patience);
  const router = Router();
  router.use((req, _res, next) => {
    const coding = req.headers['content-encoding'];
    // RFC 9110, 8.4.1.3: the same under another name.
    if (coding?.toLowerCase() === 'x-gzip') req.headers['content-encoding'] = 'gzip';
    next();
  });
  // What one of them has read, the last one leaves alone.
  for (const [path, own] of limits) router.use(path, textUpTo(own));
  router.use(textUpTo(limit), async (req, res, next) => {
    if (typeof req.body === 'string') {
      if (req.body.length > largeBody) await turnOf(lane, req, res);
      if (res.closed) return;
      req.body = parseJson(req.body);
    }
    next();
  });
  router.use(bodyProblems);
  return router;
}

/**
 * Waits until a large body may be worked on, which ends with its answer. Each keeps the process and the database busy: as few at a time as
 * leave others half of the processors.
 * @throws {Problem} 503 with `Retry-After`: nothing has been done
 */
async function turnOf(lane: LimitedLane, req: Request, res: Response): Promise<void> {
  try {
    const leave = await lane.enter(senderOf(req), timeLeft(req));
    res.once('close', leave);
    if (res.closed) leave();
    cutShort(req, workShare);
  } catch (error) {
    if (!(error instanceof LaneError)) throw error;
    const headers = { 'Retry-After': String(error.retryAfter) };
    throw new Problem(
      'unavailable',
      'Too many large request bodies are being processed. Nothing was changed. Try again.',
      { headers },
    );
  }
  // In a turn of the event loop of its own: others are to wait for one of them, and not for ten.
  await setImmediate();
}

/** @throws {Problem} 400 for what is not JSON, or beyond the bounds of what a body may be */
function parseJson(json: string): unknown {
  const bound = passedBound(json);
  if (bound) {
    const [code, detail] = beyond[bound];
    throw new Problem('validation_failed', `The body ${detail}.`, {
      errors: [{ pointer: '', code, detail, allowed: { [bound]: jsonBounds[bound] } }],
    });
  }
  // The types of the language do not know of the third argument yet.
  const revive = mayBeInexact(json) ? (noteInexact as (key: string, value: unknown) => unknown) : undefined;
  try {
    // Any JSON value is JSON; which of them a route takes is for its schema to say.
    return json === '' ? {} : JSON.parse(json, revive);
  } catch {
    throw notJsonText(json);
  }
}
