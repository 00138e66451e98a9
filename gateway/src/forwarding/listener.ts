import type { RequestListener } from 'node:http';
import { browserHeaders, identify } from '@shop/service-kit/app.ts';
import { clientHeader } from '@shop/service-kit/client.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { upstreamFailed } from '@shop/service-kit/metrics.ts';
import { answerProblem } from '@shop/service-kit/problem.ts';
import { requestLog } from '@shop/service-kit/request-log.ts';
import { headerLimit } from '@shop/service-kit/server.ts';
import type { Guard } from '../guards/guard.ts';
import { dropHopByHop } from './hop-by-hop.ts';
import type { PassOn } from './proxy.ts';
import { isBelow } from './routes.ts';

/** How clients are listened to. What is no request is told to browsers as anything else is. */
export const towardsClients = { maxHeaderSize: headerLimit, headers: Object.fromEntries(browserHeaders) };

/** A path prefix and the way on from there. */
export interface ProxyRoute {
  prefix: string;
  upstream: string;
  proxy: PassOn;
}

/**
 * Sends requests straight on to their services, on plain node:http, and adds what browsers need to the answers. The app has
 * everything else: the gateway's own pages, preflights, unknown paths.
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
    // First of all: of what is added from here on, a client is not to take anything away.
    dropHopByHop(req.headers);
    delete req.headers[clientHeader];
    const route = method === 'OPTIONS' ? undefined : routes.find(({ prefix }) => isBelow(prefix, path));
    const asked = method !== 'OPTIONS' && isBelow('/api', path) ? guard : undefined;
    if (!route && !asked) {
      app(req, res);
      return;
    }
    const request_id = identify(req, res);
    for (const [name, value] of browserHeaders) res.setHeader(name, value);
    const passOn = (): void => {
      if (!route) {
        app(req, res);
        return;
      }
      route.proxy(req, res, (problem) => {
        if (problem.status >= 500) upstreamFailed(route.upstream, problem.code);
        answerProblem(logger, res, problem, request_id);
      });
    };
    const answer = (): void => {
      if (asked) asked(req, res, (problem) => (problem ? answerProblem(logger, res, problem, request_id) : passOn()));
      else passOn();
    };
    logRequest(request_id, req, res, answer, route && `${route.prefix}/*`);
  };
}
