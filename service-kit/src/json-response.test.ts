import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request, serveRoutes } from '@shop/testing/http.ts';
import * as z from 'zod';
import { JsonArray } from './json-text.ts';
import { defineRoute } from './route.ts';
import type { RunningServer } from './server.ts';

const about = { tag: 'things', summary: '', problems: [], replies: { 200: { description: '', schema: z.unknown() } } };
const value = { id: 1, name: 'é', list: [1, 2.5], none: [] };
const nested = JSON.parse(`${'['.repeat(30)}${'1,'.repeat(9_000)}1${']'.repeat(30)}`);

const routes = [
  defineRoute({
    ...about,
    method: 'get',
    path: '/one',
    operationId: 'one',
    query: z.strictObject({ size: z.string().optional() }),
    handler: async () => ({ status: 200, body: value }),
  }),
  defineRoute({
    ...about,
    method: 'get',
    path: '/pieces',
    operationId: 'pieces',
    handler: async () => {
      const item = JSON.stringify('x'.repeat(99_998));
      return { status: 200, body: new JsonArray([item, item], 200_000) };
    },
  }),
  defineRoute({
    ...about,
    method: 'get',
    path: '/nested',
    operationId: 'nested',
    handler: async () => ({ status: 200, body: nested }),
  }),
  defineRoute({
    ...about,
    method: 'post',
    path: '/one',
    operationId: 'make',
    body: z.unknown(),
    handler: async () => ({ status: 200, body: value }),
  }),
];

let server: RunningServer;
beforeAll(async () => {
  server = await serveRoutes(routes, 1024);
});
afterAll(() => server.close());
const get = (path: string, method = 'GET') =>
  request(server.url + path, { method, ...(method === 'POST' ? { body: {} } : {}) });

const compact = `${JSON.stringify(value)}\n`;
const indented = `${JSON.stringify(value, null, 2)}\n`;

test.each([
  ['GET', '/one', compact],
  ['POST', '/one', compact],
  ['GET', '/one?_pretty', indented],
  ['GET', '/one?size=s&_pretty', indented],
  ['GET', '/one?_pretty=true&size=s', indented],
  ['GET', '/one?_pretty=1', indented],
  ['POST', '/one?_pretty', indented],
  ['GET', '/one?_pretty=false', compact],
  ['GET', '/one?_pretty=0', compact],
])(
  'When %s %s is answered, then its JSON ends with a newline, and is indented where that is asked for',
  async (method, path, text) => {
    const answer = await get(path, method);

    expect([answer.status, answer.text]).toEqual([200, text]);
    expect(answer.headers.get('content-length')).toBe(String(Buffer.byteLength(text)));
  },
);

test('When HEAD is asked, then the length is that of GET', async () => {
  const [head, read] = [await get('/one?_pretty', 'HEAD'), await get('/one?_pretty')];

  expect(head.headers.get('content-length')).toBe(read.headers.get('content-length'));
  expect(head.headers.get('etag')).toBe(read.headers.get('etag'));
});

test('When a response comes in pieces, then the newline is behind the last, and it can be indented', async () => {
  const [plain, pretty] = [await get('/pieces'), await get('/pieces?_pretty')];

  expect(plain.text.endsWith('"]\n')).toBe(true);
  expect(plain.headers.get('content-length')).toBe(String(plain.text.length));
  expect(pretty.text.startsWith('[\n  "x')).toBe(true);
  expect(pretty.body).toEqual(plain.body);
});

test('When it would become many times as long, then it is not indented', async () => {
  expect((await get('/nested?_pretty')).text).toBe(`${JSON.stringify(nested)}\n`);
});

test('When something is refused, then the problem ends with a newline, and is indented where that is asked for', async () => {
  expect((await get('/nowhere')).text).toMatch(/[^\n]\}\n$/);
  expect((await get('/nowhere?_pretty')).text).toMatch(/^\{\n {2}"type": .*\n\}\n$/s);
});

test.each([
  ['/one?_pretty=yes', 'must be true or false'],
  ['/pieces?_pretty=1&_pretty=1', 'must be given once'],
])('When %s is asked for, then it is 400 that says %s', async (path, detail) => {
  const { status, body } = await get(path);

  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ parameter: '_pretty', detail }]);
});
