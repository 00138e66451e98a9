import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import * as z from 'zod';
import { createApp } from './app.ts';
import { responseBytes } from './response-bound.ts';
import { claim, mostLarge } from './response-budget.ts';
import { defineRoute } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';

/** How many are at work on a large response now, and how many were at the most. */
const work = { now: 0, most: 0 };
let open: () => void = () => {};
let gate = Promise.resolve();

/** Lets nobody who has claimed room go on, until it is opened. */
function close(): void {
  gate = new Promise((resolve) => {
    open = resolve;
  });
}

let server: RunningServer;
/** One whose requests have little time. */
let hasty: RunningServer;
beforeAll(async () => {
  const route = defineRoute({
    method: 'get',
    path: '/api/texts/:bytes/:index',
    operationId: 'getText',
    tag: 'texts',
    summary: 'A text',
    params: z.object({ bytes: z.coerce.number(), index: z.string() }),
    replies: { 200: { description: 'It.', schema: z.string() } },
    problems: [],
    handler: async ({ params: { bytes } }) => {
      claim(bytes);
      const isLarge = bytes > 1_000;
      if (isLarge) work.most = Math.max(work.most, ++work.now);
      if (isLarge) await gate;
      if (isLarge) work.now -= 1;
      return { status: 200, body: 'x'.repeat(bytes) };
    },
  });
  const serve = (requestTimeout: number) =>
    listen(createApp({ logger: memoryLogger().logger, requestTimeout, routers: [routerOf([route])] }), {
      host: '127.0.0.1',
      port: 0,
    });
  server = await serve(60_000);
  hasty = await serve(800);
});
afterAll(async () => {
  await server.close();
  await hasty.close();
});

const ask = (bytes: number, index: number, { url } = server) => request(`${url}/api/texts/${bytes}/${index}`);

test('When more large responses are asked for than there is room for, then they come one after another, and all come', async () => {
  const answers = await Promise.all(Array.from({ length: 4 * mostLarge }, (_, index) => ask(responseBytes, index)));

  // Its quotes, and the line feed at its end.
  expect(answers.map(({ status, text }) => [status, text.length])).toEqual(answers.map(() => [200, responseBytes + 3]));
  expect(work.most).toBeLessThanOrEqual(mostLarge);
});

test('When all room is taken, then small ones are answered, and a large one is 503 when its time is up', async () => {
  close();
  const taking = Array.from({ length: mostLarge }, (_, index) => ask(responseBytes, index));
  while (work.now < mostLarge) await new Promise((resolve) => setImmediate(resolve));
  const few = await ask(10, 0);
  const late = await ask(responseBytes, 99, hasty);
  open();
  const taken = await Promise.all(taking);
  const next = await ask(responseBytes, 100);

  expect([few.status, late.status, late.body.code, late.headers.get('retry-after')]).toEqual([
    200,
    503,
    'unavailable',
    '1',
  ]);
  expect([...taken, next].map(({ status }) => status)).toEqual([...taken, next].map(() => 200));
});
