import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway } from '../testing.ts';

afterEach(closeAll);

/** A service that sends a byte of its answer every now and then, for as long as anybody listens. */
const dripping: RequestListener = (_req, res) => {
  const timer = setInterval(() => res.write('x'), 20);
  res.on('close', () => clearInterval(timer));
};

const budgetOf = async (gateway: string, headers: Record<string, string> = {}) =>
  Number((await request(`${gateway}/api/products`, { headers })).body.headers['x-request-timeout-ms']);

test('When an answer is under way at the deadline, then it is cut off, however steadily it came', async () => {
  const ended = Promise.withResolvers<void>();
  const gateway = await startGateway({
    catalog: (req, res) => {
      res.on('close', () => ended.resolve());
      dripping(req, res);
    },
    requestTimeout: 5_000,
  });

  await expect(request(`${gateway.url}/api/products`)).rejects.toThrow();

  await ended.promise;
});

test('When a service has sent only the head of its answer at the deadline, then the client sees it break off', async () => {
  const gateway = await startGateway({ catalog: (_req, res) => res.flushHeaders(), requestTimeout: 5_000 });

  await expect(request(`${gateway.url}/api/products`)).rejects.toThrow();
});

test('When a request is passed on, then the service is told how much time is left', async () => {
  const gateway = await startGateway({ requestTimeout: 5_000 });

  const budget = await budgetOf(gateway.url);

  expect(budget).toBeGreaterThan(0);
  expect(budget).toBeLessThanOrEqual(5_000);
});

test('When a client gives its request less time, then that holds: for the service and at the gateway', async () => {
  const gateway = await startGateway({ tagging: () => {}, requestTimeout: 60_000 });
  const within = (ms: string) => ({ 'X-Request-Timeout-Ms': ms });

  expect(await budgetOf(gateway.url, within('10000'))).toBeLessThanOrEqual(10_000);
  expect((await request(`${gateway.url}/api/tags`, { headers: within('300') })).status).toBe(504);
});

test.each(['99999999', 'soon', '-1', ''])(
  'When a client gives its request %j milliseconds, then it has as many as all others',
  async (given) => {
    const gateway = await startGateway({ requestTimeout: 20_000 });

    const budget = await budgetOf(gateway.url, { 'X-Request-Timeout-Ms': given });

    expect(budget).toBeGreaterThan(10_000);
    expect(budget).toBeLessThanOrEqual(20_000);
  },
);

test('When the deadline has passed, then the request at the service is ended', async () => {
  const ended = Promise.withResolvers<void>();
  let isHeard = false;
  const gateway = await startGateway({
    catalog: (_req, res) => {
      isHeard = true;
      res.on('close', () => ended.resolve());
    },
    requestTimeout: 200,
  });

  // Where the machine has no time, its own is up before it reaches the service.
  do expect((await request(`${gateway.url}/api/products`)).status).toBe(504);
  while (!isHeard);
  await ended.promise;
});

test('When requests were answered in time, then their deadlines do nothing later', async () => {
  const gateway = await startGateway({ requestTimeout: 1_000 });
  await Promise.all(Array.from({ length: 10 }, () => request(`${gateway.url}/api/products`)));
  const before = gateway.lines.length;
  await delay(1_200);

  expect(gateway.lines.slice(before).filter((line) => 'req' in line)).toEqual([]);
});
