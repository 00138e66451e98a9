import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import type * as z from 'zod';
import { inSharedTime, inTime } from './deadline.ts';
import { etagOf, matchesNone } from './etag.ts';
import { JsonText } from './json-text.ts';
import { type Fault, Problem } from './problem.ts';
import type { ProblemCode } from './problem-catalogue.ts';
import { held, withinBudget } from './response-budget.ts';
import { sharing } from './sharing.ts';
import { parseRequest } from './validation.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** What a handler answers; `body` is sent as JSON, a {@link JsonText} as it is, piece by piece. */
export interface Reply {
  status: number;
  body?: unknown;
  /** Sent as it is, in the place of a `body`; `headers` then have the `Content-Type`. */
  text?: string;
  /** The version of the resource in `body`, which its entity tag begins with. */
  version?: number;
  headers?: Record<string, string>;
}

/** What a handler receives: the parsed values, apart from the raw request, which stays as it came. */
export interface Input<P, Q, B, H> {
  params: P;
  query: Q;
  headers: H;
  body: B;
  request: Request;
}

/** A documented answer: its shape and the headers that come with it. */
export interface ReplyShape {
  description: string;
  schema: z.ZodType;
  /** `application/json` when absent. */
  mediaType?: string;
  headers?: Record<string, z.ZodType>;
}

/**
 * One endpoint, described once: Express routing, validation and the OpenAPI document all follow from it.
 *
 * @example
 * defineRoute({
 *   method: 'get', path: '/api/products/:id', operationId: 'getProduct', tag: 'products', summary: 'One product',
 *   params: z.object({ id }),
 *   replies: { 200: { description: 'The product.', schema: product } },
 *   problems: ['not_found'],
 *   handler: async ({ params }) => ({ status: 200, body: await store.get(params.id) }),
 * })
 */
export interface Route<
  P extends z.ZodObject | undefined = z.ZodObject | undefined,
  Q extends z.ZodObject | undefined = z.ZodObject | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  H extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  method: Method;
  /** The path with `:name` for each path parameter. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  /** The headers that it reads, by their names as they are documented; there may be others. */
  headers?: H;
  body?: B;
  /** What OpenAPI shows in the place of a `body` that leaves its parts to the handler. */
  documentedBody?: z.ZodType;
  /** Bytes that the body may have, where that is more than the service's limit. */
  bodyLimit?: number;
  /** Example bodies by name, shown in the reference. */
  examples?: Record<string, { summary: string; value: unknown }>;
  /** Faults that no single schema can see, such as an id in the body that is not the id in the path. */
  crossCheck?: (raw: { params: Record<string, unknown>; query: Record<string, unknown>; body: unknown }) => Fault[];
  replies: Record<number, ReplyShape>;
  /** The problems that this endpoint can answer with, beside those that every endpoint can. */
  problems: ProblemCode[];
  handler(input: Input<Output<P>, Output<Q>, Output<B>, Output<H>>): Promise<Reply>;
}

export type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** Infers a route's types from its schemas. What it returns can stand in a table with others, whose types differ. */
export function defineRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  H extends z.ZodObject | undefined = undefined,
>(route: Route<P, Q, B, H>): Route {
  return route;
}

interface Rendered {
  text: JsonText;
  etag: string;
}

/** Bytes up to which a body is sent as one string, in one write with its head. */
const oneWrite = 2 ** 16;

/** A body as text. */
function textOf(body: unknown): JsonText {
  if (!(body instanceof JsonText)) return new JsonText([JSON.stringify(body)]);
  return body.bytes <= oneWrite && body.pieces.length > 1 ? new JsonText([body.pieces.join('')], body.bytes) : body;
}

/** The JSON and the entity tag of replies that several requests share. */
const renderedReplies = new WeakMap<Reply, Rendered>();

function render(reply: Reply): Rendered {
  const known = renderedReplies.get(reply);
  if (known) return known;
  const text = textOf(reply.body);
  const rendered = { text, etag: reply.headers?.ETag ?? etagOf(text, reply.version) };
  renderedReplies.set(reply, rendered);
  return rendered;
}

const isRead = ({ method }: Request): boolean => method === 'GET' || method === 'HEAD';

/**
 * Sends a reply. `undefined` bodies are sent as nothing. Every JSON answer to a GET has an entity tag, and is 304 when
 * the client has named it. (Express would not do that for a request with `Cache-Control: no-cache`, which `fetch` adds to
 * every conditional one.)
 */
function send(req: Request, res: Response, reply: Reply): void {
  const { status, body, headers } = reply;
  if (headers) res.set(headers);
  if (body === undefined) {
    res.status(status).end(reply.text);
    return;
  }
  const { text, etag } = isRead(req) ? render(reply) : { text: textOf(body), etag: undefined };
  if (status === 200 && etag !== undefined) {
    res.set('ETag', etag);
    const named = req.get('If-None-Match');
    if (named !== undefined && matchesNone(named, etag)) {
      res.status(304).end();
      return;
    }
  }
  // Not Express's `send`: it would make up an entity tag for the answer to a write, and write the head and the body apart.
  res.status(status).set({ 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': `${text.bytes}` });
  const [first] = text.pieces;
  if (text.pieces.length === 1 || req.method === 'HEAD') res.end(first);
  // Who goes away meanwhile ends it.
  else pipeline(Readable.from(text.pieces), res).catch(() => res.destroy());
}

/**
 * An Express router for a table of routes; a known path with another method is answered with 405 and `Allow`. Those who read
 * the same at the same time share the answer. A request whose time is up is answered with 504.
 */
export function routerOf(routes: Route[]): Router {
  const router = Router();
  const share = sharing<Reply>();
  for (const path of new Set(routes.map((route) => route.path))) {
    const here = routes.filter((route) => route.path === path);
    const entry = router.route(path);
    for (const route of here) {
      entry[route.method](async (req: Request, res: Response) => {
        const { params } = req;
        const handle = async () => {
          // Work that is shared may begin after this request has been answered, and Express has taken them back by then.
          req.params = params;
          return withinBudget(() => route.handler(parseRequest(route, req)));
        };
        // A handler sees the tags that the client knows.
        const question = () => `${req.originalUrl}\n${req.get('If-None-Match') ?? ''}`;
        const reply = isRead(req) ? () => share(question(), () => inSharedTime(req, handle)) : handle;
        const made = await inTime(req, reply);
        const drop = held(made);
        // Who has gone away meanwhile does not close any more.
        if (res.destroyed) drop();
        else res.once('close', drop);
        send(req, res, made);
      });
    }
    entry.all(methodNotAllowed(here.map((route) => route.method)));
  }
  return router;
}

/** 405 for a method of a path that has only those named (and HEAD, where there is GET). */
export function notAllowed(method: string, methods: readonly Method[]): Problem {
  const names = methods.map((name) => name.toUpperCase());
  const allow = [...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return new Problem('method_not_allowed', `${method} is not possible here; ${allow} are.`, {
    headers: { Allow: allow },
  });
}

/** Answers every method but those named (and HEAD, where there is GET) with 405. */
export const methodNotAllowed =
  (methods: Method[]) =>
  (req: Request): never => {
    throw notAllowed(req.method, methods);
  };
