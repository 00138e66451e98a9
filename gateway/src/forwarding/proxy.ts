import { Agent, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent as SecureAgent } from 'node:https';
import { Stream } from 'node:stream';
import type { Problem } from '@shop/service-kit/problem.ts';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import type { GatewayConfig } from '../config.ts';
import { clientOf } from '../guards/client-of.ts';
import type { UpstreamPool } from '../upstreams/upstream-pool.ts';
import { Exchange, type Passage } from './exchange.ts';
import { adaptReferences } from './references.ts';
import { upstreamSpans } from './upstream-span.ts';

const forwardedHeaders = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
];

/**
 * In the place of the request's own stream, which the library would pipe: the exchange sends the body itself, whole, and so
 * may send it twice.
 */
const sentAlready = Object.assign(new Stream(), { pipe: <T>(destination: T): T => destination });

/**
 * In the place of the library's own plugins, whose answer to an error is a plain-text 504 that echoes the URL. An `error`
 * that has a listener goes nowhere else, and one that has none ends the process: this listener is the only way on, and
 * must lead to an answer.
 */
const telling =
  (exchanges: WeakMap<IncomingMessage, Exchange>): Plugin =>
  (proxy) => {
    proxy.on('proxyReq', (request: ClientRequest, req: IncomingMessage) => exchanges.get(req)?.begin(request));
    proxy.on('proxyRes', (answer: IncomingMessage, req: IncomingMessage) => {
      adaptReferences(answer.headers, req.url ?? '/', req.headers);
      exchanges.get(req)?.answer(answer);
    });
    proxy.on('error', (error: Error, req?: IncomingMessage) => {
      if (req) exchanges.get(req)?.fail(error);
    });
  };

/** Passes a request on; `fail` is told why it could not be, and has to answer it. */
export type PassOn = (req: IncomingMessage, res: ServerResponse, fail: (problem: Problem) => void) => void;

/**
 * Sends requests on to the replicas of a service, path and all, and streams their answers back. A service that is away is 503,
 * one that is too slow 504; a client that goes away takes its upstream request with it.
 * The service learns from `X-Forwarded-*` who asked: what a client says of that itself counts only behind a proxy that is
 * trusted.
 */
export function proxyTo(
  pool: UpstreamPool,
  { bodies, answers }: Pick<Passage, 'bodies' | 'answers'>,
  { requestTimeout, trustProxy }: Pick<GatewayConfig, 'requestTimeout' | 'trustProxy'>,
): PassOn {
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  /**
   * Connections to the services are kept for the next request. They are given up after 30 idle seconds, well before a
   * service closes them (65 s), so that no request meets a closing one.
   */
  const options = { keepAlive: true, maxFreeSockets: 256, timeout: 30_000 };
  const agent = pool.isSecure ? new SecureAgent(options) : new Agent(options);
  pool.onGone(({ url }) => {
    const port = url.port || (pool.isSecure ? 443 : 80);
    const name = agent.getName({ host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(port) });
    for (const socket of agent.freeSockets[name] ?? []) socket.destroy();
  });
  const proxy = createProxyMiddleware({
    router: (req: IncomingMessage) => (exchanges.get(req) as Exchange).target,
    agent,
    buffer: sentAlready,
    xfwd: true,
    ejectPlugins: true,
    plugins: [upstreamSpans(pool.name), telling(exchanges)],
  });
  const passage: Passage = { pool, bodies, answers, requestTimeout, send: (req, res) => void proxy(req, res) };
  return (req, res, fail) => {
    // Before anything else: what is refused has to cost next to nothing.
    const client = clientOf(req, trustProxy);
    if (pool.admission.isFullFor(client)) {
      fail(pool.busy);
      return;
    }
    const { headers } = req;
    if (!trustProxy) for (const header of forwardedHeaders) delete headers[header];
    else if (headers['x-forwarded-for']) headers['x-forwarded-for'] += `, ${req.socket.remoteAddress}`;
    // Node has answered it.
    delete headers.expect;
    const exchange = new Exchange(passage, client, req, res, fail);
    exchanges.set(req, exchange);
    exchange.start();
  };
}
