import { afterEach, expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import * as z from 'zod';
import { createApp } from './app.ts';
import { defineRoute } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';

let server: RunningServer;
afterEach(() => server.close());

test('When many ask for what is no resource at the same time, each with another entity tag, then it is worked out twice', async () => {
  const all = Promise.withResolvers<void>();
  let asked = 0;
  let worked = 0;
  const route = defineRoute({
    method: 'get',
    path: '/metrics',
    operationId: 'metrics',
    tag: 'operations',
    summary: 'Metrics',
    replies: { 200: { description: 'Metrics.', schema: z.unknown() } },
    problems: [],
    handler: async () => {
      worked++;
      await all.promise;
      return { status: 200, body: 'counted' };
    },
  });
  const { logger } = memoryLogger();
  server = await listen(createApp({ logger, routers: [routerOf([route])] }), { host: '127.0.0.1', port: 0 });
  server.server.on('request', () => {
    if (++asked === 10) setImmediate(all.resolve);
  });

  const ask = (_: unknown, index: number) =>
    request(`${server.url}/metrics`, { headers: { 'If-None-Match': `"${index}"` } });
  const answers = await Promise.all(Array.from({ length: 10 }, ask));

  expect(answers.map(({ body }) => body)).toEqual(Array.from({ length: 10 }, () => 'counted'));
  expect(worked).toBe(2);
});
