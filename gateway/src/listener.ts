import type { IncomingMessage, RequestListener } from 'node:http';
import { identify } from '@shop/service-kit/app.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import type { RequestHandler } from 'express';
import type { PassOn } from './proxy.ts';
import { isBelow } from './routes.ts';

/** A path prefix and the way on from there. */
export interface ProxyRoute {
  prefix: string;
  proxy: PassOn;
}

/** Requests that could not be passed on, on their way to the app's problem handler. */
const failures = new WeakMap<IncomingMessage, Problem>();

/** First in the app: raises what went wrong with a request before it came here. */
export const raiseFailure: RequestHandler = (req, _res, next) => next(failures.get(req));

/**
 * Sends requests straight on to their services, on plain node:http: what Express would add, the service adds itself (its
 * security and CORS headers) or nobody needs here. The app has everything else: the gateway's own pages, preflights,
 * unknown paths, and requests that could not be passed on.
 */
export function createListener(app: RequestListener, routes: ProxyRoute[], logger: Logger): RequestListener {
  return (req, res) => {
    const { url = '/', method } = req;
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    const route = method === 'OPTIONS' ? undefined : routes.find(({ prefix }) => isBelow(prefix, path));
    if (!route) {
      app(req, res);
      return;
    }
    const request_id = identify(req, res);
    const started = performance.now();
    let failed = false;
    res.on('close', () => {
      if (failed) return;
      const responseTime = Math.round(performance.now() - started);
      const entry = { request_id, req: { method, url }, res: { status: res.statusCode }, responseTime };
      if (res.writableFinished) logger.info(entry, `${method} ${url} ${res.statusCode} ${responseTime} ms`);
      else logger.warn(entry, `${method} ${url} was broken off after ${responseTime} ms`);
    });
    route.proxy(req, res, (problem) => {
      if (res.headersSent) {
        logger.warn({ request_id, err: problem.cause }, problem.message);
        res.destroy();
        return;
      }
      failed = true;
      failures.set(req, problem);
      app(req, res);
    });
  };
}
