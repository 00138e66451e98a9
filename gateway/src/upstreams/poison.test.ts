import type { RequestListener, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import type { RunningServer } from '@shop/service-kit/server.ts';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway, startUpstream, untilKnown } from '../testing.ts';

afterEach(closeAll);

/** Replicas that end when a request for `/poison` reaches them, and keep those for `/held` until then, if they are told to. */
async function startReplicas(count: number) {
  const deaths: string[] = [];
  const asked: string[] = [];
  const held: ServerResponse[] = [];
  const state = { holds: false, isMortal: true };
  const start = async (name: string, port = 0): Promise<RunningServer> => {
    let isAlive = true;
    const service: RequestListener = (req, res) => {
      asked.push(`${name} ${req.method} ${req.url}`);
      if (state.isMortal && isAlive && req.url?.includes('poison')) {
        isAlive = false;
        deaths.push(name);
        void running.close();
      } else if (state.holds && req.url?.includes('held')) held.push(res);
      else res.end('{}');
    };
    const running = await startUpstream(service, { port });
    return running;
  };
  const names = ['a', 'b', 'c'].slice(0, count);
  const running = new Map<string, RunningServer>();
  for (const name of names) running.set(name, await start(name));
  const urls = Array.from(running.values(), ({ url }) => url);
  return {
    deaths,
    asked,
    held,
    state,
    urls: urls.join(),
    /** Starts those again that have ended. */
    revive: async () => {
      for (const name of deaths.splice(0)) {
        const { url } = running.get(name) as RunningServer;
        running.set(name, await start(name, Number(new URL(url).port)));
      }
    },
  };
}

/** Waits until replicas that have ended are known to be ready again. */
async function untilReady(lines: Record<string, unknown>[], count: number): Promise<void> {
  while (lines.filter(({ msg }) => String(msg).endsWith('a replica is ready')).length < count) await delay(20);
}

test.each([
  ['GET', {}],
  ['POST', { 'Idempotency-Key': '"k"' }],
])('When a %s breaks two replicas, then it is 503, and the third is not asked', async (method, headers) => {
  const { deaths, urls } = await startReplicas(3);
  const gateway = await startGateway({ catalog: urls });
  await untilKnown();

  const { status } = await request(`${gateway.url}/api/products/poison`, { method, headers });
  const other = await request(`${gateway.url}/api/products/1`);

  expect([status, deaths.length, other.status]).toEqual([503, 2, 200]);
});

test('When a request has broken two replicas, then the next one like it is 503 with Retry-After, and no replica hears of it', async () => {
  const { asked, urls } = await startReplicas(3);
  const gateway = await startGateway({ catalog: urls, breaker: { firstPause: 60_000 } });
  await untilKnown();
  await request(`${gateway.url}/api/products/poison`);
  asked.length = 0;

  const again = [
    await request(`${gateway.url}/api/products/poison`),
    await request(`${gateway.url}/api/products/poison`, { method: 'HEAD' }),
  ];

  expect(again.map(({ status }) => status)).toEqual([503, 503]);
  for (const { headers } of again) expect(headers.get('retry-after')).toMatch(/^(60|5\d)$/);
  expect(asked).toEqual([]);
});

test('When its time has passed, then a request that broke two replicas is tried once, and breaks one at the most', async () => {
  const { deaths, urls, revive } = await startReplicas(2);
  const gateway = await startGateway({ catalog: urls });
  const ask = () => request(`${gateway.url}/api/products/poison`);
  await untilKnown();
  await ask();
  await revive();
  await untilReady(gateway.lines, 2);
  await delay(2_000);

  const statuses = (await Promise.all([ask(), ask(), ask(), ask()])).map(({ status }) => status);

  expect(statuses).toEqual([503, 503, 503, 503]);
  expect(deaths).toHaveLength(1);
  expect((await request(`${gateway.url}/api/products/1`)).status).toBe(200);
});

test('When a request that broke two replicas is answered after its time, then it is treated like any other', async () => {
  const { state, urls, revive } = await startReplicas(2);
  const gateway = await startGateway({ catalog: urls });
  const ask = () => request(`${gateway.url}/api/products/poison`);
  await untilKnown();
  await ask();
  state.isMortal = false;
  await revive();
  await untilReady(gateway.lines, 2);
  await delay(2_000);

  const statuses = [(await ask()).status, (await ask()).status, (await ask()).status];

  expect(statuses).toEqual([200, 200, 200]);
});

test('When a replica ends, then all reads that were there are answered by another, also when many are the same', async () => {
  const { held, state, urls, deaths } = await startReplicas(2);
  const gateway = await startGateway({ catalog: urls });
  await untilKnown();
  state.holds = true;
  const innocent = Array.from({ length: 20 }, (_, index) =>
    request(`${gateway.url}/api/products/held${index % 2 ? '' : index}`),
  );
  while (held.length < 20) await delay(5);
  state.holds = false;

  const poison = request(`${gateway.url}/api/products/poison`, { method: 'POST' });
  await poison;
  for (const res of held) if (!res.destroyed) res.end('{}');

  expect((await Promise.all(innocent)).map(({ status }) => status)).toEqual(innocent.map(() => 200));
  expect(deaths).toHaveLength(1);
});

test('When replicas end one after the other, then the same read is answered each time', async () => {
  const { urls, deaths, revive } = await startReplicas(2);
  const gateway = await startGateway({ catalog: urls });
  await untilKnown();
  const statuses = [];
  for (let round = 1; round <= 3; round++) {
    await request(`${gateway.url}/api/products/poison?${round}`, { method: 'POST' });
    statuses.push((await request(`${gateway.url}/api/products/1`)).status, deaths.length);
    await revive();
    await untilReady(gateway.lines, round);
  }

  expect(statuses).toEqual([200, 1, 200, 1, 200, 1]);
});
