import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Problem, unavailable } from '@shop/service-kit/problem.ts';
import type { RequestHandler } from 'express';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import type { Upstream } from './config.ts';
import { isBelow } from './routes.ts';

/** The upstream accepted the request and did not answer in time. */
class UpstreamTimeout extends Error {
  readonly code = 'UPSTREAM_TIMEOUT';
}

/**
 * Connections to the services are kept for the next request. They are given up after 30 idle seconds, well before a
 * service closes them (65 s), so that no request meets a closing one.
 */
const agent = new Agent({ keepAlive: true, maxFreeSockets: 64, timeout: 30_000 });

/**
 * Without the library's own plugins an error reaches `next`, and so the one problem handler: its default answer is a
 * plain-text 504 that echoes the URL, and an `on.error` of one's own that does not answer leaves the client waiting. An
 * `error` event that nobody listens to would end the process.
 */
const deadline =
  (timeout: number): Plugin =>
  (proxy) => {
    proxy.on('error', () => {});
    proxy.on('proxyReq', (request: ClientRequest) => {
      request.setTimeout(timeout, () => request.destroy(new UpstreamTimeout(`no answer within ${timeout} ms`)));
    });
  };

/**
 * Streams requests below `prefixes` to a service, path and all, and its answers back. An upstream that is away is 503,
 * one that is too slow 504; a client that goes away takes its upstream request with it.
 * @param timeout milliseconds without a byte from the upstream
 */
export function proxyTo(name: string, upstream: Upstream, prefixes: string[], timeout: number): RequestHandler {
  const proxy = createProxyMiddleware<IncomingMessage, ServerResponse>({
    target: upstream.url,
    pathFilter: (path) => prefixes.some((prefix) => isBelow(prefix, path)),
    agent,
    xfwd: true,
    // A backstop for the requests that `proxyReq` is not emitted for (those with `Expect`).
    proxyTimeout: timeout + 1_000,
    ejectPlugins: true,
    plugins: [deadline(timeout)],
  });
  return (req, res, next) => {
    void proxy(req, res, (error?: unknown) => {
      if (error === undefined) next();
      else if (req.destroyed && !res.writable) req.log.info('the client went away');
      else if ((error as { code?: string }).code === 'UPSTREAM_TIMEOUT') {
        next(new Problem('upstream_timeout', `${name} did not answer in time.`, { cause: error }));
      } else next(unavailable(`${name} cannot be reached at the moment.`, error));
    });
  };
}
