import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { memoryLogger, request, serveRoutes } from '@shop/testing/http.ts';
import { type RequestHandler, Router } from 'express';
import * as z from 'zod';
import { createApp } from './app.ts';
import { defineRoute } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';

const routes = [
  defineRoute({
    tag: 'things',
    summary: '',
    problems: [],
    method: 'post',
    path: '/echo',
    operationId: 'echo',
    body: z.unknown(),
    replies: { 201: { description: 'The body.', schema: z.object({}) } },
    handler: async ({ body }) => ({ status: 201, body: { body } }),
  }),
];

let server: RunningServer;
beforeAll(async () => {
  server = await serveRoutes(routes, 1024);
});
afterAll(() => server.close());

const json = { 'Content-Type': 'application/json' };
const echo = (body: string | Uint8Array, headers: Record<string, string> = json) =>
  request(`${server.url}/echo`, { method: 'POST', body, headers });

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
    ['{', 1, 2, 'a name in double quotes, or }', 'the end of the body'],
    ['{"a":1,}', 1, 8, 'a name in double quotes', '"}"'],
    ["{'a':1}", 1, 2, 'a name in double quotes, or }', '"\'"'],
    ['{"a":1} x', 1, 9, 'the end of the body', '"x"'],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3, ', or }', '"\\""'],
    ['{"a" 1}', 1, 6, ': after a name', '"1"'],
    ['{"a":}', 1, 6, 'a value', '"}"'],
    ['[1,]', 1, 4, 'a value', '"]"'],
    ['[', 1, 2, 'a value, or ]', 'the end of the body'],
    ['[1 2]', 1, 4, ', or ]', '"2"'],
    ['"a', 1, 3, '" at the end of a text', 'the end of the body'],
    ['"a\nb"', 1, 3, 'a character or its escape, such as \\n', '"\\n"'],
    ['"\\x"', 1, 2, 'an escape such as \\n or \\u00e9', '"\\\\"'],
    ['[01]', 1, 3, 'the rest of a number such as 10, 0.5 or 1e3', '"1"'],
    ['[1.]', 1, 3, 'the rest of a number such as 10, 0.5 or 1e3', '"."'],
    ['[.5]', 1, 2, 'a value, or ]', '"."'],
    ['[NaN]', 1, 2, 'a value, or ]', '"N"'],
    ['["🔥" 🔥]', 1, 7, ', or ]', '"🔥"'],
  ])(
    'When it is %j, then it says where it is not JSON, and what is expected',
    async (text, line, column, expected, found) => {
      const { status, body } = await echo(text);
      const detail = `is not JSON at line ${line}, column ${column}: expected ${expected}, found ${found}`;

      expect(status).toBe(400);
      expect(body).toMatchObject({
        detail: `The body ${detail}.`,
        errors: [{ pointer: '', code: 'invalid_json', detail, line, column }],
      });
    },
  );

  test.each([
    ['is the first', Buffer.from([0xff]), 1, 1],
    ['stands in the second line', Buffer.from([0x22, 0x0a, 0x61, 0xff]), 2, 2],
    ['stands behind a replacement character', Buffer.from([0x22, 0xef, 0xbf, 0xbd, 0xe9, 0x22]), 1, 3],
  ])('When a byte that is not UTF-8 %s, then it says where', async (_, bytes, line, column) => {
    const { body } = await echo(bytes);

    expect(body).toMatchObject({
      detail: `The body is not in UTF-8 at line ${line}, column ${column}.`,
      errors: [{ pointer: '', code: 'invalid_json', line, column }],
    });
  });

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

  test.each([
    ['arrays', '[', ']'],
    ['objects', '{"a":', '}'],
  ])('When its %s are nested 64 deep, then it is read', async (_, open, close) => {
    expect((await echo(`${open.repeat(64)}${open === '[' ? '' : 1}${close.repeat(64)}`)).status).toBe(201);
  });

  test.each([
    ['65 deep', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['65 deep behind texts that hold brackets', `["]]]]","\\"]]]]",${'[ '.repeat(64)}${']'.repeat(65)}`],
    ['500 deep and never closed', '[{"a":'.repeat(150)],
  ])('When it is nested %s, then it is 400 and says how deep it may be', async (_, text) => {
    const { status, body } = await echo(text);

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '', code: 'too_deep', allowed: { depth: 64 } }],
    });
  });

  test('When brackets stand in its texts, then they do not count', async () => {
    expect((await echo(JSON.stringify(['\\', '"['.repeat(100)]))).status).toBe(201);
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

  test('When it is packed under the old name of gzip, then it is unpacked', async () => {
    const { status, body } = await echo(gzipSync('{"a":1}'), { ...json, 'Content-Encoding': 'X-GZIP' });

    expect(status).toBe(201);
    expect(body).toEqual({ body: { a: 1 } });
  });

  test.each(['gzip', 'x-gzip', 'deflate', 'br', 'zstd'])(
    'When it says that it is %s but is not, then it is 400 invalid_json and names the header',
    async (coding) => {
      const { status, body } = await echo('{"a":1}', { ...json, 'Content-Encoding': coding });

      expect(status).toBe(400);
      expect(body).toMatchObject({
        code: 'invalid_json',
        detail: expect.stringContaining('Content-Encoding'),
        errors: [{ header: 'Content-Encoding', detail: expect.stringContaining(coding.replace('x-', '')) }],
      });
    },
  );

  test('When it is packed and ends too early, then it is 400 and names the header', async () => {
    const packed = gzipSync('{"a":1}').subarray(0, 20);
    const { status, body } = await echo(packed, { ...json, 'Content-Encoding': 'gzip' });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ header: 'Content-Encoding' }]);
  });

  test('When what is packed is not JSON, then it is the JSON that is at fault', async () => {
    const { body } = await echo(gzipSync('{"a":}'), { ...json, 'Content-Encoding': 'gzip' });

    expect(body.errors).toMatchObject([{ pointer: '', line: 1, column: 6 }]);
  });

  test.each([
    'application/json',
    'application/json; charset=utf-8',
    'Application/JSON;charset=UTF-8',
    'application/json; charset=utf8',
    'application/json; charset="UTF8"',
    'application/merge-patch+json',
  ])('When its type is %s, then it is read', async (type) => {
    const { status, body } = await echo('{"a":"ü"}', { 'Content-Type': type });

    expect(status).toBe(201);
    expect(body).toEqual({ body: { a: 'ü' } });
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'json',
    'application/json2',
    'application/json-patch+json',
    'application/vnd.api+json',
  ])('When its type is %s, then it is 415', async (type) => {
    const { status, headers, body } = await echo('{"a":1}', { 'Content-Type': type });

    expect(status).toBe(415);
    expect(body.code).toBe('unsupported_media_type');
    expect(headers.get('accept')).toBe('application/json');
  });

  test.each([
    ['{"a":1}', 201],
    ['{"a":"ü"}', 415],
  ])('When it is %s and says that it is ASCII, then it is %i', async (text, expected) => {
    expect((await echo(text, { 'Content-Type': 'application/json; charset=us-ascii' })).status).toBe(expected);
  });

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

  test.each(['rot13', 'compress', 'gzip, gzip'])(
    'When its coding is %s, then it is 415, names the header and says what may be sent',
    async (coding) => {
      const { status, headers, body } = await echo('{"a":1}', { ...json, 'Content-Encoding': coding });

      expect(status).toBe(415);
      expect(headers.get('accept-encoding')).toBe('gzip, deflate, br, zstd');
      expect(body).toMatchObject({
        code: 'unsupported_media_type',
        errors: [{ header: 'Content-Encoding', allowed: ['gzip', 'deflate', 'br', 'zstd'] }],
      });
    },
  );

  test.each(['null', '"text"', '7', 'true', '[]'])('When it is the JSON value %s, then it is read', async (text) => {
    const { status, body } = await echo(text);

    expect(status).toBe(201);
    expect(body).toEqual({ body: JSON.parse(text) });
  });
});

describe('a body whose every number is looked at', () => {
  let other: RunningServer;
  beforeAll(async () => {
    const json = { limit: 2 ** 20 };
    const app = createApp({ logger: memoryLogger().logger, json, routers: [routerOf(routes)] });
    other = await listen(app, { host: '127.0.0.1', port: 0 });
  });
  afterAll(() => other.close());

  test('When it begins with a byte order mark, then it is read without it', async () => {
    const { status, body } = await request(`${other.url}/echo`, {
      method: 'POST',
      headers: json,
      body: '\ufeff{"a":1e0}',
    });

    expect(status).toBe(201);
    expect(body).toEqual({ body: { a: 1 } });
  });

  test('When it is nested so deep that no recursion gets through, then it is 400', async () => {
    const body = `{"size":1e0,"name":${'['.repeat(500_000)}${']'.repeat(500_000)}}`;

    expect((await request(`${other.url}/echo`, { method: 'POST', headers: json, body })).status).toBe(400);
  });
});

describe('a large body', () => {
  let large: RunningServer;
  beforeAll(async () => {
    large = await serveRoutes(routes, 8 * 2 ** 20);
  });
  afterAll(() => large.close());

  test('When it has 250,000 values, then it is read', async () => {
    const body = `[${'1,'.repeat(249_998)}1]`;

    expect((await request(`${large.url}/echo`, { method: 'POST', headers: json, body })).status).toBe(201);
  });

  test.each([
    ['values', `[${'1,'.repeat(250_000)}1]`],
    ['values and is never closed', '[1,'.repeat(30).padEnd(600_000, '1,')],
    ['empty arrays', `[${'[],'.repeat(125_000)}[]]`],
  ])('When it has more than 250,000 %s, then it is 400 and says how many it may have', async (_, text) => {
    const { status, body } = await request(`${large.url}/echo`, { method: 'POST', headers: json, body: text });

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '', code: 'too_many_values', allowed: { values: 250_000 } }],
    });
  });
});

describe('many large bodies at once', () => {
  const order: string[] = [];
  let onLarge = () => {};
  const named =
    (name: string, done = () => {}): RequestHandler =>
    (_req, res) => {
      order.push(name);
      done();
      res.end();
    };
  let busy: RunningServer;
  beforeAll(async () => {
    const router = Router();
    router
      .post(
        '/',
        named('large', () => onLarge()),
      )
      .get('/', named('next'))
      .post('/client', (req, res) => named(String(req.headers['x-api-client']))(req, res, () => {}));
    const app = createApp({ logger: memoryLogger().logger, json: { limit: 2 ** 20 }, routers: [router] });
    busy = await listen(app, { host: '127.0.0.1', port: 0 });
    busy.server.on('connection', (socket: Socket) => connections.push(socket));
  });
  afterAll(() => busy.close());

  const connections: Socket[] = [];
  /** Waits until so many connections have brought at least `bytes` each. */
  async function untilRead(count: number, bytes: number): Promise<void> {
    while (connections.filter(({ bytesRead }) => bytesRead >= bytes).length < count) await delay(20);
    connections.length = 0;
  }

  /** Sends ten that are whole at the same time, and a request that is sent when one of them is done; gives their answers. */
  async function sendAll(whenDone = () => {}): Promise<string[]> {
    order.length = 0;
    const body = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index));
    const head = `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    const sockets = Array.from({ length: 11 }, () => connect(Number(new URL(busy.url).port), '127.0.0.1'));
    const [next, ...senders] = sockets as [Socket, ...Socket[]];
    onLarge = () => {
      onLarge = () => {};
      whenDone();
      next.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    };
    for (const socket of senders) socket.write(head + body.slice(0, -1));
    await untilRead(10, head.length + body.length - 1);

    for (const socket of senders) socket.write(body.slice(-1));
    return Promise.all(sockets.map(text));
  }

  test('When one of them is done, then who comes next need not wait for the others', async () => {
    await sendAll();

    expect(order).toHaveLength(11);
    expect(order.indexOf('next')).toBeLessThan(5);
  });

  test('When one client has sent many, then another waits for few of them', async () => {
    order.length = 0;
    const body = JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index));
    const senders = [...Array.from({ length: 10 }, () => 'greedy'), 'other'].map((client) => {
      const socket = connect(Number(new URL(busy.url).port), '127.0.0.1');
      socket.write(
        `POST /client HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nX-Api-Client: ${client}\r\n` +
          `Content-Length: ${body.length}\r\n\r\n${body.slice(0, -1)}`,
      );
      return socket;
    });
    await untilRead(11, body.length);

    for (const socket of senders) socket.write(body.slice(-1));
    await Promise.all(senders.map(text));

    expect(order).toHaveLength(11);
    expect(order.indexOf('other')).toBeLessThan(6);
  });

  test('When one of them takes very long, then those whose turn has not come meanwhile are 503 with Retry-After', async () => {
    // As long as they wait, and a little.
    const answers = await sendAll(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3_500));

    const refused = answers.filter((answer) => answer.startsWith('HTTP/1.1 503 '));
    expect(refused).not.toHaveLength(0);
    for (const answer of refused) expect(answer).toMatch(/\r\nRetry-After: \d+\r\n/i);
    expect(order).toHaveLength(11 - refused.length);
  });
});
