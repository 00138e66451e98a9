import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Problem, unavailable } from '@shop/service-kit/problem.ts';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import type { GatewayConfig, Upstream } from './config.ts';
import { upstreamSpans } from './upstream-span.ts';

const forwardedHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-proto'];

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
 * In the place of the library's own plugins, whose answer to an error is a plain-text 504 that echoes the URL. An `error`
 * that has a listener goes nowhere else, and one that has none ends the process: this listener is the only way on, and
 * must lead to an answer. A request gets `timeout` milliseconds for each silence of the upstream.
 */
const failingWith =
  (fail: (req: IncomingMessage, error: Error) => void, timeout: number): Plugin =>
  (proxy) => {
    proxy.on('error', (error: Error, req?: IncomingMessage) => {
      if (req) fail(req, error);
    });
    proxy.on('proxyReq', (request: ClientRequest) => {
      request.setTimeout(timeout, () => request.destroy(new UpstreamTimeout(`no answer within ${timeout} ms`)));
    });
  };

/** Passes a request on; `fail` is told why it could not be, and has to answer it. */
export type PassOn = (req: IncomingMessage, res: ServerResponse, fail: (problem: Problem) => void) => void;

/**
 * Streams requests to a service, path and all, and its answers back. An upstream that is away is 503, one that is too slow
 * 504; a client that goes away takes its upstream request with it.
 * The service learns from `X-Forwarded-*` who asked: what a client says of that itself counts only behind a proxy that is
 * trusted.
 */
export function proxyTo(
  name: string,
  upstream: Upstream,
  { requestTimeout: timeout, trustProxy }: Pick<GatewayConfig, 'requestTimeout' | 'trustProxy'>,
): PassOn {
  const pending = new WeakMap<IncomingMessage, (problem: Problem) => void>();
  const failed = (req: IncomingMessage, error: Error): void => {
    const fail = pending.get(req);
    pending.delete(req);
    if ((error as { code?: string }).code === 'UPSTREAM_TIMEOUT') {
      fail?.(new Problem('upstream_timeout', `${name} did not answer in time.`, { cause: error }));
    } else fail?.(unavailable(`${name} cannot be reached at the moment.`, error));
  };
  const proxy = createProxyMiddleware({
    // An object, so that it is not parsed anew for every request.
    target: new URL(upstream.url),
    agent,
    xfwd: true,
    ejectPlugins: true,
    plugins: [upstreamSpans(name), failingWith(failed, timeout)],
  });
  return (req, res, fail) => {
    pending.set(req, fail);
    const { headers } = req;
    if (!trustProxy) for (const header of forwardedHeaders) delete headers[header];
    else if (headers['x-forwarded-for']) headers['x-forwarded-for'] += `, ${req.socket.remoteAddress}`;
    // Node has answered it; with it, `proxyReq` would not be emitted and the request would have no deadline.
    delete headers.expect;
    void proxy(req, res);
  };
}
