import { isAscii, isUtf8 } from 'node:buffer';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import express, { type Request, Router } from 'express';
import { bodyProblems, notJsonText } from './body-problem.ts';
import { clientHeader } from './client.ts';
import { mayBeInexact, noteInexact } from './exact-numbers.ts';
import { FairQueue } from './fair-queue.ts';
import { jsonBounds, passedBound } from './json-bounds.ts';
import { bodyTypes } from './media-types.ts';
import { Problem, unavailable } from './problem.ts';

/** How JSON bodies are read. */
export interface JsonBodies {
  /** Bytes that one may have. */
  limit: number;
  /** The same, for a path's own. */
  limits?: ReadonlyMap<string, number>;
}

/** Characters of a body that may take long enough for others to notice. */
const large = 2 ** 17;

/** Milliseconds that one of these waits for its turn, and that belong to others between two of them. */
const patience = 3_000;
const pause = 20;

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
  const turn = turns();
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
      if (req.body.length > large) await turn(senderOf(req));
      if (res.closed) return;
      req.body = parseJson(req.body);
    }
    next();
  });
  router.use(bodyProblems);
  return router;
}

/** Who has sent a request, as the gateway says: the name of its key, else the addresses that it has come by. */
const senderOf = ({ headers }: Request): string => String(headers[clientHeader] ?? headers['x-forwarded-for'] ?? '');

/** One that waits for its turn. */
interface Waiting {
  client: string;
  begin(): void;
}

/**
 * Lets those who ask go on one after the other, each in a turn of the event loop of its own. Who reads a large body keeps
 * everybody else waiting; if ten have come at the same time, others are to wait for one of them, and not for ten. Clients have turns, so
 * that one who sends many waits for itself.
 * @returns a wait for one's turn, which throws a 503 when that has taken too long
 */
function turns(): (client: string) => Promise<void> {
  const waiting = new FairQueue<Waiting>();
  let isRunning = false;
  const run = async (): Promise<void> => {
    isRunning = true;
    for (let next = waiting.take(); next; next = waiting.take()) {
      await setImmediate();
      next.begin();
      // From when this body has been read: what others want may take several turns.
      await setImmediate();
      await delay(pause);
    }
    isRunning = false;
  };
  return async (client) => {
    const asked = performance.now();
    const { promise, resolve } = Promise.withResolvers<void>();
    waiting.add({ client, begin: resolve });
    if (!isRunning) void run();
    await promise;
    if (performance.now() - asked > patience)
      throw unavailable('Too many large request bodies are being read. Try again.');
  };
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
