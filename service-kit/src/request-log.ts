import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientHeader } from './client.ts';
import { causeOf } from './failure-cause.ts';
import { cutUrl, type Logger } from './logger.ts';
import { brokenOff, requestBegan, requestEnded } from './metrics.ts';
import { endSpan, inServerSpan, traceIdsOf } from './tracing.ts';

const logged = new WeakSet<IncomingMessage>();

/** What machines ask every few seconds says nothing about those whom we serve. */
const isProbe = (url: string): boolean => /^\/(?:health|metrics)\b/.test(url);

/** The template of the route that Express has found for a request. */
const routeOf = (req: IncomingMessage): string | undefined => (req as { route?: { path: string } }).route?.path;

/**
 * Makes the function that watches over a request while `next` answers it: in its span, where it is traced. When it is over, it
 * is counted by its route (the one that Express has found, or `route`), and one line says who (by the id that
 * {@link identify} gave it, and the name of the key that it came with), what, and how it ended: above `info` when that was a
 * fault of ours, with its cause. A client that goes away or is too slow is none; its line has no status. A request that two of us handle one after the other is watched
 * once, and one for `/health` or `/metrics` never.
 * (Not pino-http: a child logger and serializers for each request cost more than everything else that Express does,
 * see docs/decisions/0010-hot-path.md.)
 */
export function requestLog(
  logger: Logger,
): (request_id: string, req: IncomingMessage, res: ServerResponse, next: () => void, route?: string) => void {
  // Its lines hold nothing that could be secret; to look for it would be half of their cost.
  const lines = logger.child({}, { redact: [], serializers: { err: (cause: unknown) => cause } });
  return (request_id, req, res, next, route) => {
    // Express changes them on the way.
    const { method = '' } = req;
    const url = cutUrl(req.url ?? '');
    if (logged.has(req) || isProbe(url)) {
      next();
      return;
    }
    logged.add(req);
    requestBegan();
    const started = performance.now();
    inServerSpan(req, (span) => {
      res.once('close', () => {
        const elapsed = performance.now() - started;
        const responseTime = Math.round(elapsed);
        const { statusCode: status, writableFinished } = res;
        const template = route ?? routeOf(req) ?? 'other';
        requestEnded(method, template, writableFinished ? status : brokenOff, elapsed / 1_000);
        if (span) {
          span.updateName(`${method} ${template}`).setAttributes({
            'http.route': template,
            'http.response.status_code': status,
            'http.request.header.x-request-id': [request_id],
          });
          endSpan(span, !writableFinished ? 'broken_off' : status >= 500 ? String(status) : undefined);
        }
        // Not before: a key is looked at after this was called.
        const client = req.headers[clientHeader];
        const ids = { request_id, ...traceIdsOf(span), ...(client && { client }) };
        const err = causeOf(req);
        const outcome = writableFinished ? { status } : { broken_off: true };
        const entry = { ...ids, req: { method, url }, res: outcome, responseTime, ...(err && { err }) };
        const isOurs = err !== undefined || (writableFinished && status >= 500);
        const end = writableFinished ? `${status} ${responseTime} ms` : `was broken off after ${responseTime} ms`;
        lines[isOurs ? 'warn' : 'info'](entry, `${method} ${url} ${end}`);
      });
      next();
    });
  };
}
