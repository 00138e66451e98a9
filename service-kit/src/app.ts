import { randomUUID } from 'node:crypto';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import cors from 'cors';
import express, { type Express, type RequestHandler, type Router } from 'express';
import helmet from 'helmet';
import { beginBudget } from './deadline.ts';
import { type JsonBodies, jsonBody } from './json-body.ts';
import type { Logger } from './logger.ts';
import { type ErrorTranslator, notFoundHandler, problemHandler } from './problem.ts';
import { parseQuery } from './query-string.ts';
import { requestLog } from './request-log.ts';

/** A request id that a client may choose; anything else is replaced, so that nothing odd reaches the log. */
const requestIdPattern = /^[\w.:-]{1,128}$/;

/** A request's id: the one it came with, or a new one. Whoever answers it, and whoever it is passed on to, tells it, too. */
export function identify(req: IncomingMessage, res: ServerResponse): string {
  const given = req.headers['x-request-id'];
  const id = typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID();
  req.headers['x-request-id'] = id;
  res.setHeader('X-Request-Id', id);
  return id;
}

/** Response headers that a browser's script may read from another origin. */
const exposedHeaders = [
  'Accept',
  'Accept-Encoding',
  'Accept-Patch',
  'Allow',
  'Dry-Run',
  'ETag',
  'Idempotency-Replayed',
  'Link',
  'Location',
  'Preference-Applied',
  'RateLimit',
  'RateLimit-Policy',
  'Retry-After',
  'WWW-Authenticate',
  'X-Request-Id',
  'X-Total-Count',
];

/** What browsers need of whoever they speak to: security headers, and CORS. */
const forBrowsers: RequestHandler[] = [
  helmet({
    contentSecurityPolicy: { directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] }, useDefaults: false },
  }),
  cors({ exposedHeaders, maxAge: 600 }),
];

/** The headers that {@link forBrowsers} gives every answer, which are always the same, for those who answer without Express. */
export const browserHeaders: [name: string, value: string][] = (() => {
  const req = new IncomingMessage(new Socket());
  const res = new ServerResponse(req);
  for (const handler of forBrowsers) handler(req as never, res as never, () => {});
  return Object.entries(res.getHeaders()).map(([name, value]) => [name, String(value)]);
})();

export interface AppOptions {
  logger: Logger;
  /** What is answered even while nothing else can be, such as health. */
  operations?: Router;
  /** What the service serves, in order. */
  routers: Router[];
  /** True for a service that browsers reach through the gateway alone, which gives its answers what browsers need. */
  behindGateway?: boolean;
  /** Milliseconds that a request has at the most. Absent: no request has an end. */
  requestTimeout?: number;
  /** Absent: bodies are left alone, so that they can be streamed on. */
  json?: JsonBodies;
  /** Turns errors of a library into problems. */
  translators?: ErrorTranslator[];
}

/**
 * The Express app that every service is: request id, one log line per request, security headers, CORS, health, JSON
 * bodies, the routes, and problems for everything else. It never listens; see `server.ts`.
 */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', parseQuery);
  const logRequest = requestLog(options.logger);
  const { requestTimeout } = options;
  app.use((req, res, next) => {
    if (requestTimeout !== undefined && req.url.startsWith('/api/')) beginBudget(req, requestTimeout);
    logRequest(identify(req, res), req, res, next);
  });
  if (!options.behindGateway) app.use(forBrowsers);
  if (options.operations) app.use(options.operations);
  if (options.json) app.use(jsonBody(options.json));
  for (const router of options.routers) app.use(router);
  app.use(notFoundHandler, problemHandler(options.logger, options.translators));
  return app;
}
