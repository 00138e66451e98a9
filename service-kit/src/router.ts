import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Request, type Response, Router } from 'express';
import { inSharedTime, inTime } from './deadline.ts';
import { etagOf, matchesNone } from './etag.ts';
import { jsonResponse } from './json-response.ts';
import { JsonText } from './json-text.ts';
import { Problem } from './problem.ts';
import { held, withinBudget } from './response-budget.ts';
import type { Method, Reply, Route } from './route.ts';
import { sharing } from './sharing.ts';
import { parseRequest } from './validation.ts';

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

/** Renders a reply to `url`, which is the same for all that share it. */
function render(reply: Reply, url: string): Rendered {
  const known = renderedReplies.get(reply);
  if (known) return known;
  const text = textOf(reply.body);
  const rendered = { text: jsonResponse(text, url), etag: reply.headers?.ETag ?? etagOf(text, reply.version) };
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
  const url = req.originalUrl;
  const { text, etag } = isRead(req) ? render(reply, url) : { text: jsonResponse(textOf(body), url), etag: undefined };
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
        // A handler of a resource sees the tags that the client knows. All others are told the same, whatever they make up.
        const tags = () => (route.path.startsWith('/api/') ? (req.get('If-None-Match') ?? '') : '');
        const question = () => `${req.originalUrl}\n${tags()}`;
        const shared = () => share(question(), res, (isWanted) => inSharedTime(req, handle, isWanted));
        const made = await inTime(req, res, isRead(req) ? shared : handle);
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
  return new Problem('method_not_allowed', `This path does not support ${method}. It supports ${allow}.`, {
    headers: { Allow: allow },
  });
}

/** Answers every method but those named (and HEAD, where there is GET) with 405. */
export const methodNotAllowed =
  (methods: Method[]) =>
  (req: Request): never => {
    throw notAllowed(req.method, methods);
  };
