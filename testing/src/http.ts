import { Writable } from 'node:stream';
import { createApp } from '@shop/service-kit/app.ts';
import { createLogger, type Logger } from '@shop/service-kit/logger.ts';
import type { Route } from '@shop/service-kit/route.ts';
import { routerOf } from '@shop/service-kit/router.ts';
import { listen, type RunningServer } from '@shop/service-kit/server.ts';

/** JSON as it is read. A test says what it is by asserting that. */
type Json = ReturnType<typeof JSON.parse>;

/** An answer with its body parsed, where it is JSON. */
export interface TestResponse<Body = Json> {
  status: number;
  headers: Headers;
  body: Body;
  text: string;
}

/** Sends one request; an object as `body` goes as JSON. */
export async function request<Body = Json>(
  url: string,
  {
    method = 'GET',
    body,
    headers = {},
    signal,
  }: { method?: string; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<TestResponse<Body>> {
  const raw = typeof body === 'string' || body instanceof Uint8Array;
  const response = await fetch(url, {
    method,
    headers: { ...(body !== undefined && !raw ? { 'Content-Type': 'application/json' } : {}), ...headers },
    ...(signal ? { signal } : {}),
    ...(body === undefined ? {} : { body: raw ? (body as string) : JSON.stringify(body) }),
  });
  const text = await response.text();
  const json = /[/+]json/.test(response.headers.get('content-type') ?? '') && text !== '';
  return { status: response.status, headers: response.headers, body: json ? JSON.parse(text) : undefined, text };
}

/** A logger whose lines a test can read. */
export function memoryLogger(level = 'info'): { logger: Logger; lines: Record<string, unknown>[] } {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      for (const line of String(chunk).split('\n').filter(Boolean)) lines.push(JSON.parse(line));
      done();
    },
  });
  return { logger: createLogger('test', level, stream), lines };
}

/** Starts a service that has nothing but these routes, and takes bodies of up to `limit` bytes. */
export const serveRoutes = (routes: Route[], limit: number): Promise<RunningServer> =>
  listen(createApp({ logger: memoryLogger().logger, json: { limit }, routers: [routerOf(routes)] }), {
    host: '127.0.0.1',
    port: 0,
  });
