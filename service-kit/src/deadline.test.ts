import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import * as z from 'zod';
import { createApp } from './app.ts';
import { forAll, remaining } from './deadline.ts';
import { defineRoute, type Method, type Reply } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';

let server: RunningServer;
afterEach(() => server.close());

/** A service with one path, whose requests have a minute at the most. */
async function start(handler: () => Promise<Reply>): Promise<string> {
  const route = (method: Method) =>
    defineRoute({
      method,
      path: '/api/things/:id',
      operationId: method,
      tag: 'things',
      summary: 'Things',
      params: z.object({ id: z.string() }),
      replies: { 200: { description: 'Things.', schema: z.unknown() } },
      problems: [],
      handler,
    });
  const { logger } = memoryLogger();
  const routers = [routerOf([route('get'), route('post')])];
  server = await listen(createApp({ logger, routers, requestTimeout: 60_000 }), { host: '127.0.0.1', port: 0 });
  return `${server.url}/api/things/7`;
}

/** The milliseconds that are left. */
const whatIsLeft = async () => ({ status: 200, body: remaining() });
const never = () => new Promise<Reply>(() => {});
const within = (ms: string) => ({ 'X-Request-Timeout-Ms': ms });

// The halves of the minute are far enough apart that a slow machine changes nothing.
test('When a write says that 30 s are left, then its work has no more', async () => {
  const url = await start(whatIsLeft);

  const { body } = await request(url, { method: 'POST', headers: within('30000') });

  expect(body).toBeGreaterThan(0);
  expect(body).toBeLessThanOrEqual(30_000);
});

test.each(['90000', '-5', '1e3', ''])(
  'When a write says that %j ms are left, then its work has the whole time',
  async (named) => {
    const url = await start(whatIsLeft);

    const { body } = await request(url, { method: 'POST', headers: within(named) });

    expect(body).toBeGreaterThan(30_000);
    expect(body).toBeLessThanOrEqual(60_000);
  },
);

test('When a read says that 30 s are left, then its work, which others may share, has the whole time', async () => {
  const url = await start(whatIsLeft);

  expect((await request(url, { headers: within('30000') })).body).toBeGreaterThan(30_000);
});

test.each([
  { method: 'GET', detail: 'The request exceeded its deadline.' },
  { method: 'POST', detail: expect.stringContaining('may or may not have been applied') },
])('When the work of a $method does not end in time, then it is 504', async ({ method, detail }) => {
  const url = await start(never);
  const answer = await request(url, { method, headers: within('50') });
  expect(answer.body).toMatchObject({ status: 504, code: 'upstream_timeout', detail });
});

test('When two share an answer and one of them has little time, then the other is answered all the same', async () => {
  const answer = Promise.withResolvers<Reply>();
  const url = await start(() => answer.promise);
  const patient = request(url);
  expect((await request(url, { headers: within('50') })).status).toBe(504);
  answer.resolve({ status: 200, body: 'here' });
  expect((await patient).body).toBe('here');
});

test('When who began the wait for a shared answer gives up, then the others have it all the same', async () => {
  const answer = Promise.withResolvers<Reply>();
  const url = await start(() => answer.promise);
  const underway = request(url);
  expect((await request(url, { headers: within('50') })).status).toBe(504);
  const waiting = request(url);
  expect((await request(url, { headers: within('50') })).status).toBe(504);
  answer.resolve({ status: 200, body: 'here' });
  expect([(await underway).body, (await waiting).body]).toEqual(['here', 'here']);
});

test.each(['GET', 'POST'])('When the client of a %s goes away, then its work has no time left', async (method) => {
  const begun = Promise.withResolvers<void>();
  const gone = Promise.withResolvers<void>();
  const left = Promise.withResolvers<number[]>();
  const url = await start(async () => {
    const before = remaining();
    begun.resolve();
    await gone.promise;
    const everybody = forAll(() => remaining());
    left.resolve([before, remaining(), everybody]);
    return { status: 200 };
  });
  server.server.on('request', (_req, res: ServerResponse) => res.once('close', () => gone.resolve()));
  const client = new AbortController();
  const asked = fetch(url, { method, signal: client.signal }).catch(() => undefined);
  await begun.promise;

  client.abort();
  await asked;

  expect(await left.promise).toEqual([expect.any(Number), 0, expect.any(Number)]);
  expect((await left.promise)[0]).toBeGreaterThan(0);
  expect((await left.promise)[2]).toBeGreaterThan(0);
});
