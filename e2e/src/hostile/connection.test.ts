import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { answersTo, headsIn, sending } from '@shop/verification/hostile/raw-client.ts';
import { baseUrl } from '../client.ts';

/** How many connections are in the way of a good request. */
const many = 1_000;

const open: Socket[] = [];
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
});

/** Opens connections that each send some bytes and then nothing, and waits until all of them are there. */
async function crowd(count: number, bytes: string): Promise<void> {
  const sockets = Array.from({ length: count }, () => sending(baseUrl(), bytes).pause());
  open.push(...sockets);
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
}

test.each([
  ['say nothing', many, ''],
  ['send half a head', many, 'GET /api/products HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  [
    'send half a body',
    200,
    'POST /api/tags HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"tag_name":',
  ],
  ['do not read their answers', 50, 'GET /api/products?_limit=250 HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3)],
])('When other clients %s, then a good request is answered all the same', async (_what, count, bytes) => {
  await crowd(count, bytes);

  const { status } = await request(`${baseUrl()}/api/products?_limit=1`);

  expect(status).toBe(200);
});

test('When a client ends its side in the middle of a request, then it is told that this is none', async () => {
  const socket = sending(baseUrl(), 'GET /api/tags HTTP/1.1\r\nHost:');
  open.push(socket);
  socket.end();
  const [answer] = await once(socket, 'data');

  expect(headsIn(String(answer))).toMatchObject([{ status: 400 }]);
});

test.each([
  ['a header of 20 KB', `GET /api/tags HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`],
  ['10,000 headers', `GET /api/tags HTTP/1.1\r\nHost: x\r\n${'X: x\r\n'.repeat(10_000)}\r\n`],
  ['a URL of 20 KB', `GET /api/tags?q=${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`],
])('When %s comes, then it is 431 as a problem', async (_what, bytes) => {
  const answers = await answersTo(baseUrl(), bytes);

  expect(headsIn(answers)).toMatchObject([{ status: 431 }]);
  expect(answers).toContain('"code":"headers_too_large"');
});

test('When headers that the gateway takes are too large for the service with those that it adds, then it is a problem, too', async () => {
  const { body } = await request(`${baseUrl()}/api/tags/4000000`, { headers: { X: 'x'.repeat(16_100) } });

  expect(['not_found', 'headers_too_large']).toContain(body.code);
});

/** Headers and paths that a pattern of the services reads, as long as a request may have them. */
const long = 14_000;
test.each([
  ['If-Match', '"'.repeat(long)],
  ['If-Match', 'W/'.repeat(long / 2)],
  ['If-Match', '"", '.repeat(long / 4)],
  ['Idempotency-Key', `"${'\\\\'.repeat(long / 2)}`],
  ['Idempotency-Key', `"${'a'.repeat(long)}`],
  ['If-None-Match', ','.repeat(long)],
  ['X-Request-Id', `${'a.'.repeat(long / 2)}!`],
  ['Authorization', `Bearer ${' '.repeat(long)}!`],
  ['Content-Type', `application/json;${' '.repeat(long)}x`],
  ['X-Forwarded-For', ', '.repeat(long / 2)],
  ['traceparent', '00-'.repeat(long / 3)],
])('When %s is very long and made to fail late, then it is answered and nothing else waits', async (name, value) => {
  const { status } = await request(`${baseUrl()}/api/tags/4000000`, {
    method: 'PUT',
    headers: { 'Content-Type': 'application/json', [name]: value },
    body: '{}',
  });

  expect(status).toBeGreaterThanOrEqual(400);
  expect(status).toBeLessThan(500);
});

test.each(['slug', 'tag_name', 'sku', 'image_urls'])(
  'When %s is 900,000 characters that are made to fail late, then it is 400',
  async (field) => {
    const text = field === 'slug' ? `${'a-'.repeat(450_000)}!` : `http://${'a.'.repeat(450_000)}\ud800`;
    const body = { product_name: 'x', price: 1, [field]: field === 'image_urls' ? [text] : text };

    expect((await request(`${baseUrl()}/api/products`, { method: 'POST', body })).status).toBe(400);
  },
);
