import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import { createApp } from './app.ts';
import { Problem } from './problem.ts';
import { defineRoute, routerOf } from './route.ts';
import { listen, type RunningServer } from './server.ts';
import { memoryLogger, request } from './testing.ts';

const secret = 'hunter2 in /srv/app.js:1';
const about = { tag: 'things', summary: '', problems: [] };
const thing = { 200: { description: 'A thing.', schema: z.object({}) } };

/** A small app: things that are echoed, and ways to fail. */
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
    params: z.object({ id: z.string().regex(/^\d+$/, 'must be a number') }),
    query: z.strictObject({ size: z.enum(['s', 'm']).optional() }),
    body: z.strictObject({ name: z.string(), parts: z.array(z.object({ count: z.int() })).optional() }),
    crossCheck: ({ body }) =>
      (body as { name?: string } | null)?.name === 'cross'
        ? [{ pointer: '/name', code: 'crossed', detail: 'must not be cross' }]
        : [],
    replies: thing,
    handler: async ({ params, query, body }) => ({ status: 200, body: { params, query, body } }),
  }),
  defineRoute({
    ...about,
    method: 'post',
    path: '/echo',
    operationId: 'echo',
    body: z.unknown(),
    replies: thing,
    handler: async ({ body }) => ({ status: 201, body: { body } }),
  }),
  defineRoute({
    ...about,
    method: 'get',
    path: '/broken',
    operationId: 'break',
    replies: thing,
    handler: async () => {
      throw Object.assign(new Error(secret), { headers: { 'X-Leak': secret }, sql: secret, statusCode: 418 });
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
  const app = createApp({ logger, health: undefined, json: { limit: 1024 }, routers: [routerOf(routes)] });
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

type Options = Parameters<typeof request>[1];
const send = (path: string, options?: Options) => request(server.url + path, options);
const json = { 'Content-Type': 'application/json' };
const echo = (body: string | Uint8Array, headers: Record<string, string> = json) =>
  send('/echo', { method: 'POST', body, headers });

/** The log lines of one request, once there is one. (It is written when the answer is out, not before.) */
async function linesOf(requestId: string): Promise<Record<string, unknown>[]> {
  for (let attempt = 0; attempt < 200; attempt++) {
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
    const { status, headers } = await send('/echo', { method: 'HEAD' });

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
        'Access-Control-Request-Headers': 'content-type,if-match',
      },
    });

    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-allow-methods')).toContain('PUT');
    expect(headers.get('access-control-allow-headers')).toBe('content-type,if-match');
  });

  test('When a browser reads from another origin, then it may read the headers that clients need', async () => {
    const { headers } = await send('/things/7', { headers: { Origin: 'https://shop.example.com' } });

    expect(headers.get('access-control-allow-origin')).toBe('*');
    expect(headers.get('access-control-expose-headers')?.split(',')).toEqual(
      expect.arrayContaining(['ETag', 'Link', 'Location', 'Retry-After', 'X-Request-Id', 'X-Total-Count']),
    );
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
    expect(body).toMatchObject({ code: 'validation_failed', detail: 'The URL is malformed.' });
  });
});

describe('body', () => {
  test.each(['{', '{"a":1,}', "{'a':1}", '{"a":1} x', 'NaN', '\u0000'])(
    'When it is %j, then it is invalid_json',
    async (text) => {
      const { status, body } = await echo(text);

      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'invalid_json', errors: [{ pointer: '', code: 'invalid_json' }] });
    },
  );

  test.each([
    ['a byte that no character begins with', Buffer.from([0x22, 0xff, 0x22])],
    ['half a character', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['an overlong form', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('When it holds %s, then it is invalid_json', async (_, bytes) => {
    const { status, body } = await echo(bytes);

    expect(status).toBe(400);
    expect(body.code).toBe('invalid_json');
  });

  test('When it is nested so deep that no parser gets through, then it is 400', async () => {
    const deep = createApp({ logger, health: undefined, json: { limit: 2 ** 20 }, routers: [routerOf(routes)] });
    const other = await listen(deep, { host: '127.0.0.1', port: 0 });
    const body = `{"name":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;

    const { status } = await request(`${other.url}/things/7`, { method: 'PUT', headers: json, body });

    await other.close();
    expect(status).toBe(400);
  });

  test('When it is exactly as large as allowed, then it is accepted', async () => {
    expect((await echo(JSON.stringify('x'.repeat(1022)))).status).toBe(201);
  });

  test('When it is one byte larger, then it is 413', async () => {
    const { status, body } = await echo(JSON.stringify('x'.repeat(1023)));

    expect(status).toBe(413);
    expect(body.code).toBe('body_too_large');
  });

  test('When it is small but unpacks to more than is allowed, then it is 413', async () => {
    const packed = gzipSync(JSON.stringify('x'.repeat(1_000_000)));

    expect((await echo(packed, { ...json, 'Content-Encoding': 'gzip' })).status).toBe(413);
  });

  test('When it is packed, then it is unpacked', async () => {
    const { status, body } = await echo(gzipSync('{"a":1}'), { ...json, 'Content-Encoding': 'gzip' });

    expect(status).toBe(201);
    expect(body).toEqual({ body: { a: 1 } });
  });

  test('When it says that it is packed but is not, then it is 400 invalid_json', async () => {
    const { status, body } = await echo('{"a":1}', { ...json, 'Content-Encoding': 'gzip' });

    expect(status).toBe(400);
    expect(body.code).toBe('invalid_json');
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF-8',
    'application/merge-patch+json',
  ])('When its type is %s, then it is read', async (type) => {
    const { status, body } = await echo('{"a":"ü"}', { 'Content-Type': type });

    expect(status).toBe(201);
    expect(body).toEqual({ body: { a: 'ü' } });
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'json', 'application/json2'])(
    'When its type is %s, then it is 415',
    async (type) => {
      const { status, headers, body } = await echo('{"a":1}', { 'Content-Type': type });

      expect(status).toBe(415);
      expect(body.code).toBe('unsupported_media_type');
      expect(headers.get('accept')).toBe('application/json');
    },
  );

  test('When it has no type, then it is 415', async () => {
    expect((await echo(Buffer.from('{"a":1}'), {})).status).toBe(415);
  });

  test.each(['iso-8859-1', 'utf-16', 'utf-16le', 'utf-7', 'bogus'])(
    'When its charset is %s, then it is 415',
    async (charset) => {
      const { status, body } = await echo('{"a":1}', { 'Content-Type': `application/json; charset=${charset}` });

      expect(status).toBe(415);
      expect(body.code).toBe('unsupported_media_type');
    },
  );

  test('When its encoding is unknown, then it is 415', async () => {
    expect((await echo('{"a":1}', { ...json, 'Content-Encoding': 'rot13' })).status).toBe(415);
  });

  test.each(['null', '"text"', '7', 'true', '[]'])('When it is the JSON value %s, then it is read', async (text) => {
    const { status, body } = await echo(text);

    expect(status).toBe(201);
    expect(body).toEqual({ body: JSON.parse(text) });
  });
});

describe('validation', () => {
  const put = (path: string, body?: unknown) => send(path, { method: 'PUT', body });

  test('When path, query and body have faults, then all are named at once', async () => {
    const { status, body } = await put('/things/abc?size=xl&colour=red', {
      name: 5,
      parts: [{}, { count: 'x' }],
      'a/b': 1,
    });

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [
        { parameter: 'id', code: 'invalid_format', detail: 'must be a number' },
        { parameter: 'size', code: 'invalid_value', allowed: ['s', 'm'] },
        { parameter: 'colour', code: 'unknown_parameter', allowed: ['size'] },
        { pointer: '/name', code: 'invalid_type', allowed: { type: 'string' } },
        { pointer: '/parts/0/count', code: 'required' },
        { pointer: '/parts/1/count', code: 'invalid_type' },
        { pointer: '/a~1b', code: 'unknown_field', allowed: ['name', 'parts'] },
      ],
    });
    expect(body.errors).toHaveLength(7);
  });

  test('When nothing but parameters is unknown, then the code is unknown_parameter', async () => {
    const { status, body } = await put('/things/7?colour=red&shape=round', { name: 'x' });

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'unknown_parameter',
      errors: [{ parameter: 'colour' }, { parameter: 'shape' }],
    });
  });

  test('When a route has no query, then any parameter is unknown', async () => {
    const { status, body } = await send('/things/7?colour=red');

    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'unknown_parameter', errors: [{ parameter: 'colour' }] });
  });

  test('When only the cross check finds a fault, then it is 400 with that fault', async () => {
    const { status, body } = await put('/things/7', { name: 'cross' });

    expect(status).toBe(400);
    expect(body.errors).toEqual([{ pointer: '/name', code: 'crossed', detail: 'must not be cross' }]);
  });

  test.each([
    ['no body', {}],
    ['no body but a type', { headers: json }],
  ])('When there is %s, then it is 400', async (_, options) => {
    const { status, body } = await send('/things/7', { method: 'PUT', ...options });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 'required' }]);
  });

  test('When there are no faults, then the handler gets the parsed values', async () => {
    const { status, body } = await put('/things/7?size=m', { name: 'x' });

    expect(status).toBe(200);
    expect(body).toEqual({ params: { id: '7' }, query: { size: 'm' }, body: { name: 'x' } });
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
