import type { IncomingMessage, ServerResponse } from 'node:http';
import { clientHeader } from './client.ts';
import type { Logger } from './logger.ts';

const logged = new WeakSet<IncomingMessage>();

/**
 * Makes the function that writes one line when a request is over: who (by the id that {@link identify} gave it, and the name of the
 * key that it came with), what, and how it ended. Above `info` when it ended badly: a fault of ours, or a connection that broke off. A request that two of us
 * handle one after the other is logged once.
 * (Not pino-http: a child logger and serializers for each request cost more than everything else that Express does,
 * see docs/decisions/0010-hot-path.md.)
 */
export function requestLog(logger: Logger): (request_id: string, req: IncomingMessage, res: ServerResponse) => void {
  // Its lines hold nothing that could be secret; to look for it would be half of their cost.
  const lines = logger.child({}, { redact: [] });
  return (request_id, req, res) => {
    if (logged.has(req)) return;
    logged.add(req);
    const started = performance.now();
    // Express changes them on the way.
    const { method, url } = req;
    res.once('close', () => {
      const responseTime = Math.round(performance.now() - started);
      const { statusCode: status } = res;
      // Not before: a key is looked at after this was called.
      const client = req.headers[clientHeader];
      const entry = { request_id, ...(client && { client }), req: { method, url }, res: { status }, responseTime };
      if (!res.writableFinished) lines.warn(entry, `${method} ${url} was broken off after ${responseTime} ms`);
      else if (status >= 500) lines.warn(entry, `${method} ${url} ${status} ${responseTime} ms`);
      else lines.info(entry, `${method} ${url} ${status} ${responseTime} ms`);
    });
  };
}
