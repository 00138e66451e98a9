import type { IncomingMessage, RequestListener } from 'node:http';
import { browserHeaders, identify } from '@shop/service-kit/app.ts';
import { clientHeader } from '@shop/service-kit/client.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { upstreamFailed } from '@shop/service-kit/metrics.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import { requestLog } from '@shop/service-kit/request-log.ts';
import type { RequestHandler } from 'express';
import type { Guard } from './guards/guard.ts';
import type { PassOn } from './proxy.ts';
import { isBelow } from './routes.ts';

/** A path prefix and the way on from there. */
export interface ProxyRoute {
  prefix: string;
  upstream: string;
  proxy: PassOn;
}

/** Requests that could not be passed on, on their way to the app's problem handler. */
const failures = new WeakMap<IncomingMessage, Problem>();

/** First in the app: raises what went wrong with a request before it came here. */
export const raiseFailure: RequestHandler = (req, _res, next) => next(failures.get(req));

/**
 * Sends requests straight on to their services, on plain node:http, and adds what browsers need to the answers. The app has
 * everything else: the gateway's own pages, preflights, unknown paths, and requests that could not be passed on.
 * @param guard is asked about every request below `/api`, but for preflights, which cannot bring a key
 */
export function createListener(
  app: RequestListener,
  routes: ProxyRoute[],
  logger: Logger,
  guard?: Guard,
): RequestListener {
  const logRequest = requestLog(logger);
  return (req, res) => {
    const { url = '/', method } = req;
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    delete req.headers[clientHeader];
    const route = method === 'OPTIONS' ? undefined : routes.find(({ prefix }) => isBelow(prefix, path));
    const asked = method !== 'OPTIONS' && isBelow('/api', path) ? guard : undefined;
    if (!route && !asked) {
      app(req, res);
      return;
    }
    const request_id = identify(req, res);
    for (const [name, value] of browserHeaders) res.setHeader(name, value);
    const fail = (problem: Problem): void => {
      if (res.headersSent) {
        logger.warn({ request_id, err: problem.cause }, problem.message);
        res.destroy();
        return;
      }
      failures.set(req, problem);
      app(req, res);
    };
    const passOn = (): void => {
      if (!route) {
        app(req, res);
        return;
      }
      route.proxy(req, res, (problem) => {
        // A client that has gone away is no failure of the service.
        if (!res.destroyed) upstreamFailed(route.upstream, problem.code);
        fail(problem);
      });
    };
    const answer = (): void => {
      if (asked) asked(req, res, (problem) => (problem ? fail(problem) : passOn()));
      else passOn();
    };
    logRequest(request_id, req, res, answer, route && `${route.prefix}/*`);
  };
}
