import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientHeader } from './client.ts';
import type { Logger } from './logger.ts';
import { brokenOff, requestBegan, requestEnded } from './metrics.ts';

const logged = new WeakSet<IncomingMessage>();

/** What machines ask every few seconds says nothing about those whom we serve. */
const isProbe = (url: string): boolean => /^\/(?:health|metrics)\b/.test(url);

/** The template of the route that Express has found for a request. */
const routeOf = (req: IncomingMessage): string | undefined => (req as { route?: { path: string } }).route?.path;

/**
 * Makes the function that writes one line when a request is over: who (by the id that {@link identify} gave it, and the name of
 * the key that it came with), what, and how it ended. Above `info` when it ended badly: a fault of ours, or a connection that
 * broke off. The metrics count it then, by the route that Express has found, or by `route`. A request that two of us handle
 * one after the other is logged once, and one for `/health` or `/metrics` never.
 * (Not pino-http: a child logger and serializers for each request cost more than everything else that Express does,
 * see docs/decisions/0010-hot-path.md.)
 */
export function requestLog(
  logger: Logger,
): (request_id: string, req: IncomingMessage, res: ServerResponse, route?: string) => void {
  // Its lines hold nothing that could be secret; to look for it would be half of their cost.
  const lines = logger.child({}, { redact: [] });
  return (request_id, req, res, route) => {
    // Express changes them on the way.
    const { method = '', url = '' } = req;
    if (logged.has(req) || isProbe(url)) return;
    logged.add(req);
    requestBegan();
    const started = performance.now();
    res.once('close', () => {
      const elapsed = performance.now() - started;
      const responseTime = Math.round(elapsed);
      const { statusCode: status, writableFinished } = res;
      requestEnded(method, route ?? routeOf(req) ?? 'other', writableFinished ? status : brokenOff, elapsed / 1_000);
      // Not before: a key is looked at after this was called.
      const client = req.headers[clientHeader];
      const entry = { request_id, ...(client && { client }), req: { method, url }, res: { status }, responseTime };
      if (!writableFinished) lines.warn(entry, `${method} ${url} was broken off after ${responseTime} ms`);
      else if (status >= 500) lines.warn(entry, `${method} ${url} ${status} ${responseTime} ms`);
      else lines.info(entry, `${method} ${url} ${status} ${responseTime} ms`);
    });
  };
}
