import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import * as z from 'zod';
import { createApp } from './app.ts';
import { Problem } from './problem.ts';
import { defineRoute } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';

const secret = 'hunter2 in /srv/app.js:1';
const about = { tag: 'things', summary: '', problems: [] };
const thing = { 200: { description: 'A thing.', schema: z.object({}) } };

/** A small app: things, and ways to fail. */
const routes = [
  defineRoute({
    ...about,
    method: 'get',
    path: '/things/:id',
    operationId: 'getThing',
    params: z.object({ id: z.string() }),
    replies: thing,
    handler: async ({ params }) => ({ status: 200, body: params, headers: { ETag: '"1"' } }),
  }),
  defineRoute({
    ...about,
    method: 'put',
    path: '/things/:id',
    operationId: 'putThing',
    params: z.object({ id: z.string() }),
    body: z.unknown(),
    replies: thing,
    handler: async ({ body }) => ({ status: 200, body }),
  }),
  defineRoute({
    ...about,
    method: 'post',
    path: '/things',
    operationId: 'postThing',
    body: z.unknown(),
    replies: thing,
    handler: async ({ body }) => ({ status: 201, body }),
  }),
  defineRoute({
    ...about,
    method: 'get',
    path: '/broken',
    operationId: 'break',
    replies: thing,
    handler: async () => {
      throw Object.assign(new Error(secret), { headers: { 'X-Leak': secret }, sql: secret, status: 400 });
    },
  }),
  defineRoute({
    ...about,
    method: 'get',
    path: '/away',
    operationId: 'away',
    replies: thing,
    handler: async () => {
      throw new Problem('unavailable', 'Come back later.', {
        headers: { 'Retry-After': '3' },
        cause: new Error(secret),
      });
    },
  }),
  defineRoute({
    ...about,
    method: 'delete',
    path: '/nothing',
    operationId: 'nothing',
    replies: thing,
    handler: async () => ({ status: 204 }),
  }),
];

const { logger, lines } = memoryLogger();
let server: RunningServer;
beforeAll(async () => {
  const app = createApp({ logger, json: { limit: 1024 }, routers: [routerOf(routes)] });
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

type Options = Parameters<typeof request>[1];
const send = (path: string, options?: Options) => request(server.url + path, options);

/** The log lines of one request, once there is one. (It is written when the answer is out, not before.) */
async function linesOf(requestId: string): Promise<Record<string, unknown>[]> {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const found = lines.filter((line) => line.request_id === requestId);
    if (found.some((line) => 'responseTime' in line)) return found;
    await delay(10);
  }
  throw new Error(`no line for ${requestId}`);
}

describe('request id', () => {
  test('When none is sent, then one is made and stands in the header, under instance and in the log', async () => {
    const { headers, body } = await send('/nowhere');

    const id = headers.get('x-request-id');
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.instance).toBe(id);
    expect(await linesOf(String(id))).toHaveLength(1);
  });

  test.each(['abc-123', 'a:b.c_d', 'x'.repeat(128)])('When %j is sent, then it is kept', async (id) => {
    const { headers, body } = await send('/nowhere', { headers: { 'X-Request-Id': id } });

    expect(headers.get('x-request-id')).toBe(id);
    expect(body.instance).toBe(id);
  });

  test.each(['with spaces', 'x'.repeat(129), 'a"b', '<script>', 'é', '{}', ''])(
    'When %j is sent, then another is made',
    async (id) => {
      const { headers, body } = await send('/nowhere', { headers: { 'X-Request-Id': id } });

      expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      expect(body.instance).toBe(headers.get('x-request-id'));
    },
  );
});

describe('log', () => {
  test('When a URL is as long as one may be, then its line has the beginning', async () => {
    await send(`/things/7?q=${'x'.repeat(10_000)}`, { headers: { 'X-Request-Id': 'long-url' } });

    const [line] = await linesOf('long-url');
    expect(JSON.stringify(line).length).toBeLessThan(2_000);
    expect(line).toMatchObject({ req: { url: expect.stringMatching(/^\/things\/7\?q=x+… \(10012 characters\)$/) } });
  });

  test('When a request is answered, then one line says what was asked, with its id, and how it went', async () => {
    await send('/things/7', { headers: { 'X-Request-Id': 'one-line' } });

    expect(await linesOf('one-line')).toEqual([
      expect.objectContaining({
        level: 'info',
        service: 'test',
        request_id: 'one-line',
        res: { status: 200 },
        msg: expect.stringMatching(/^GET \/things\/7 200 \d+ ms$/),
      }),
    ]);
  });

  test('When a handler throws, then the log has the cause under the id of the request', async () => {
    await send('/broken', { headers: { 'X-Request-Id': 'broken-1' } });

    const found = await linesOf('broken-1');
    expect(found).toContainEqual(
      expect.objectContaining({ level: 'error', err: expect.objectContaining({ message: secret }) }),
    );
  });

  test('When a request carries credentials, then no line has them', async () => {
    const headers = { Authorization: 'Bearer s3cr3t-key', Cookie: 'session=s3cr3t-cookie', 'X-Request-Id': 'private' };

    await send('/broken', { headers });

    expect(JSON.stringify(await linesOf('private'))).not.toContain('s3cr3t');
  });

  test.each(['password', 'authorization', 'cookie', 'token'])('When %s is logged, then it is redacted', (name) => {
    logger.info({ [name]: 's3cr3t', a: { [name]: 's3cr3t' }, b: { c: { [name]: 's3cr3t', shown: 1 } } }, 'redaction');

    const line = lines.findLast(({ msg }) => msg === 'redaction');
    expect(line).toMatchObject({ [name]: '[redacted]', b: { c: { shown: 1 } } });
    expect(JSON.stringify(line)).not.toContain('s3cr3t');
  });
});

describe('routing', () => {
  test('When the path is unknown, then it is 404', async () => {
    const { status, headers, body } = await send('/nowhere?x=1', { method: 'POST' });

    expect(status).toBe(404);
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(body).toEqual({
      type: '/problems/not_found',
      title: 'Not found',
      status: 404,
      detail: 'There is nothing at POST /nowhere.',
      message: 'There is nothing at POST /nowhere.',
      instance: headers.get('x-request-id'),
      code: 'not_found',
    });
  });

  test('When a known path is used with another method, then it is 405 and Allow lists those it has', async () => {
    const { status, headers, body } = await send('/things/7', { method: 'DELETE' });

    expect(status).toBe(405);
    expect(body.code).toBe('method_not_allowed');
    expect(headers.get('allow')).toBe('GET, PUT, HEAD, OPTIONS');
  });

  test('When a path has no GET, then HEAD is 405, too', async () => {
    const { status, headers } = await send('/things', { method: 'HEAD' });

    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('POST, OPTIONS');
  });

  test('When HEAD is sent to a path with GET, then it answers the headers of GET without a body', async () => {
    const get = await send('/things/7');

    const { status, headers, text } = await send('/things/7', { method: 'HEAD' });

    expect(status).toBe(200);
    expect(text).toBe('');
    expect(headers.get('etag')).toBe('"1"');
    expect(headers.get('content-length')).toBe(get.headers.get('content-length'));
  });

  test('When a browser asks whether it may send from another origin, then it may', async () => {
    const { status, headers } = await send('/things/7', {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://shop.example.com',
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'content-type,idempotency-key,if-match',
      },
    });

    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')).toContain('PUT');
    expect(headers.get('access-control-allow-headers')).toBe('content-type,idempotency-key,if-match');
  });

  test('When a browser reads from another origin, then it may read the headers that clients need', async () => {
    const { headers } = await send('/things/7', { headers: { Origin: 'https://shop.example.com' } });

    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')?.split(',')).toEqual([
      ...['Accept', 'Accept-Encoding', 'Accept-Patch', 'Allow'],
      ...['Dry-Run', 'ETag', 'Idempotency-Replayed', 'Link', 'Location', 'Preference-Applied', 'RateLimit'],
      ...['RateLimit-Policy', 'Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
      'X-Total-Count',
    ]);
  });

  test.each(['/things/7', '/nowhere', '/broken'])('When %s answers, then it has the security headers', async (path) => {
    const { headers } = await send(path);

    expect(Object.fromEntries(headers)).toMatchObject({
      'content-security-policy': "default-src 'none';frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      'strict-transport-security': expect.stringContaining('max-age='),
      'referrer-policy': 'no-referrer',
    });
    expect(headers.has('x-powered-by')).toBe(false);
  });

  test('When a reply has no body, then none is sent', async () => {
    const { status, text } = await send('/nothing', { method: 'DELETE' });

    expect(status).toBe(204);
    expect(text).toBe('');
  });

  test('When the path cannot be decoded, then it is 400', async () => {
    const { status, body } = await send('/things/%E0%A4%A');

    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'validation_failed', detail: 'The path is not UTF-8 in percent-encoding.' });
  });
});

describe('failure', () => {
  test('When a handler throws, then it is 500 and nothing of the error is shown', async () => {
    const { status, headers, body, text } = await send('/broken');

    expect(status).toBe(500);
    expect(body).toEqual({
      type: '/problems/internal_error',
      title: 'Internal error',
      status: 500,
      detail: 'The request could not be completed.',
      message: 'The request could not be completed.',
      instance: headers.get('x-request-id'),
      code: 'internal_error',
    });
    expect(text + JSON.stringify([...headers])).not.toMatch(/hunter2|leak/i);
  });

  test('When a handler says that it is away, then it is 503 with Retry-After and the cause goes to the log alone', async () => {
    const { status, headers, text } = await send('/away', { headers: { 'X-Request-Id': 'away-1' } });

    expect(status).toBe(503);
    expect(headers.get('retry-after')).toBe('3');
    expect(text).not.toContain('hunter2');
    expect(await linesOf('away-1')).toContainEqual(
      expect.objectContaining({ level: 'warn', err: expect.objectContaining({ message: secret }) }),
    );
  });
});
