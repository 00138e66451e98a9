import type { RequestListener } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway, startUpstream, type TestGateway, untilKnown } from '../testing.ts';

afterEach(closeAll);

/** A service that answers when it is told to, and knows what it was asked. */
function holding() {
  const held: { url: string; finish: () => void; breakOff: () => void }[] = [];
  const service: RequestListener = (req, res) => {
    held.push({ url: String(req.url), finish: () => res.end('{}'), breakOff: () => res.destroy() });
  };
  const has = async (count: number) => {
    while (held.length < count) await delay(5);
  };
  return { held, service, has };
}

/** Waits until so many requests wait for a place at catalog-service. */
async function untilWaiting({ pools }: TestGateway, count: number): Promise<void> {
  while (pools['catalog-service'].admission.waiting !== count) await delay(5);
}

/** So long that a machine without time changes nothing. */
const patience = 60_000;

test('When as many requests are at a service as may be and none may wait, then the next is 503 at once, and the other service is untouched', async () => {
  const waiting: (() => void)[] = [];
  const arrived = Promise.withResolvers<void>();
  const gateway = await startGateway({
    catalog: (_req, res) => {
      waiting.push(() => res.end('{}'));
      if (waiting.length === 2) arrived.resolve();
    },
    places: { maxInFlight: 2, maxWaiting: 0 },
    requestTimeout: 30_000,
  });
  const url = `${gateway.url}/api/products`;
  const first = [request(url), request(url)];
  await arrived.promise;

  const refused = [await request(url), await request(url, { method: 'POST', body: {} })];
  const other = await request(`${gateway.url}/api/tags`);
  for (const finish of waiting) finish();
  const answered = await Promise.all(first);
  const next = request(url);
  while (waiting.length < 3) await delay(10);
  waiting[2]?.();

  expect(refused.map(({ status, headers }) => [status, headers.get('retry-after')])).toEqual([
    [503, '1'],
    [503, '1'],
  ]);
  expect(other.status).toBe(200);
  expect(answered.map(({ status }) => status)).toEqual([200, 200]);
  expect((await next).status).toBe(200);
});

test('When no more requests may be at a service, then the next one waits and is passed on in its turn', async () => {
  const { held, service, has } = holding();
  const gateway = await startGateway({ catalog: service, places: { maxInFlight: 1, maxWaiting: 2, patience } });
  const get = (id: number) => request(`${gateway.url}/api/products/${id}`);

  const first = get(1);
  await has(1);
  const second = get(2);
  // The order in which they come is the gateway's to keep, and not that of two connections.
  await untilWaiting(gateway, 1);
  const third = get(3);
  await untilWaiting(gateway, 2);
  const fourth = await get(4);
  const before = held.length;
  for (let turn = 1; turn <= 3; turn++) {
    await has(turn);
    held[turn - 1]?.finish();
  }

  expect(before).toBe(1);
  expect(fourth.status).toBe(503);
  expect((await Promise.all([first, second, third])).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect(held.map(({ url }) => url)).toEqual(['/api/products/1', '/api/products/2', '/api/products/3']);
});

test('When its turn does not come, then a request is 503 with Retry-After, and the service has not seen it', async () => {
  const { held, service, has } = holding();
  const gateway = await startGateway({ catalog: service, places: { maxInFlight: 1, maxWaiting: 1 } });
  const first = request(`${gateway.url}/api/products/1`);
  await has(1);

  const { status, headers } = await request(`${gateway.url}/api/products`, { method: 'POST', body: {} });
  held[0]?.finish();

  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect((await first).status).toBe(200);
  expect(held).toHaveLength(1);
});

test('When the time of a request is up before its turn has come, then it is 503: nothing was done', async () => {
  const { held, service, has } = holding();
  const gateway = await startGateway({ catalog: service, places: { maxInFlight: 1, maxWaiting: 1 } });
  const first = request(`${gateway.url}/api/products/1`);
  await has(1);

  const { status, body } = await request(`${gateway.url}/api/products/2`, {
    headers: { 'X-Request-Timeout-Ms': '100' },
  });
  held[0]?.finish();
  await first;

  expect(status).toBe(503);
  expect(body.code).toBe('unavailable');
});

test('When a client goes away that waits, then another one can wait in its place', async () => {
  const { held, service, has } = holding();
  const gateway = await startGateway({ catalog: service, places: { maxInFlight: 1, maxWaiting: 1, patience } });
  const get = (id: number, signal?: AbortSignal) =>
    request(`${gateway.url}/api/products/${id}`, signal ? { signal } : {});
  const first = get(1);
  await has(1);
  const leaving = new AbortController();
  const gone = get(2, leaving.signal).catch(() => 'gone');
  await untilWaiting(gateway, 1);
  leaving.abort();
  await gone;
  await untilWaiting(gateway, 0);

  const third = get(3);
  await untilWaiting(gateway, 1);
  held[0]?.finish();
  await has(2);
  held[1]?.finish();

  expect((await Promise.all([first, third])).map(({ status }) => status)).toEqual([200, 200]);
  expect(held.map(({ url }) => url)).toEqual(['/api/products/1', '/api/products/3']);
});

test('When a service has two replicas, then twice as many requests may be there at a time', async () => {
  const { held, service, has } = holding();
  const urls = [await startUpstream(service), await startUpstream(service)].map(({ url }) => url);
  const gateway = await startGateway({ catalog: urls.join(), places: { maxInFlight: 2, maxWaiting: 0 } });
  const get = (id: number) => request(`${gateway.url}/api/products/${id}`);
  await untilKnown();
  const four = [1, 2, 3, 4].map(get);
  await has(4);

  const fifth = await get(5);
  for (const { finish } of held) finish();

  expect((await Promise.all(four)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(fifth.status).toBe(503);
});

test('When a service is away, then all who wait are 503', async () => {
  const { held, service, has } = holding();
  const upstream = await startUpstream(service);
  const gateway = await startGateway({ catalog: upstream.url, places: { maxInFlight: 1, maxWaiting: 50, patience } });
  const get = (id: number) => request(`${gateway.url}/api/products/${id}`);
  const first = get(1);
  await has(1);
  const waiting = Array.from({ length: 50 }, (_, index) => get(index + 2));
  await untilWaiting(gateway, 50);

  const closed = upstream.close();
  held[0]?.breakOff();
  await closed;

  expect(new Set((await Promise.all([first, ...waiting])).map(({ status }) => status))).toEqual(new Set([503]));
});

describe('clients', () => {
  const settings = { trustProxy: true, requestTimeout: 30_000 };

  /** Asks as a client behind the proxy that the gateway trusts. */
  const asking = (url: string) => (client: number, path: number | string) =>
    request(`${url}/api/products/${path}`, { headers: { 'X-Forwarded-For': `10.0.0.${client}` } });

  test('When a client has all places, then another one has one all the same', async () => {
    const { held, service, has } = holding();
    const gateway = await startGateway({
      ...settings,
      catalog: service,
      places: { maxInFlight: 4, maxWaiting: 100, patience },
    });
    const ask = asking(gateway.url);
    const greedy = Array.from({ length: 10 }, (_, index) => ask(1, index));
    await has(4);
    await untilWaiting(gateway, 6);

    const other = ask(2, 'other');
    await has(5);
    const last = held.at(-1)?.url;
    for (let turn = 0; turn < 11; turn++) {
      await has(turn + 1);
      held[turn]?.finish();
    }

    expect(last).toBe('/api/products/other');
    expect((await other).status).toBe(200);
    expect(new Set((await Promise.all(greedy)).map(({ status }) => status))).toEqual(new Set([200]));
  });

  test('When the requests of a client are slow, then it has half of the places, and others have the other half', async () => {
    const { held, service, has } = holding();
    const gateway = await startGateway({
      ...settings,
      catalog: service,
      places: { maxInFlight: 4, maxWaiting: 100, patience },
    });
    const ask = asking(gateway.url);
    const greedy = [ask(1, 1), ask(1, 2), ask(1, 3), ask(1, 4)];
    await has(4);
    await delay(1_050);
    const more = [ask(1, 5), ask(1, 6)];
    await untilWaiting(gateway, 2);
    for (const { finish } of held.splice(0, 2)) finish();
    await Promise.race(greedy);
    await delay(50);

    const others = [ask(2, 'other'), ask(2, 'another')];
    await has(4);
    const there = held.slice(2).map(({ url }) => url);
    const finishing = setInterval(() => {
      for (const { finish } of held.splice(0)) finish();
    }, 20);
    await Promise.all([...greedy, ...others, ...more]);
    clearInterval(finishing);

    expect(there.toSorted()).toEqual(['/api/products/another', '/api/products/other']);
  });

  test('When several wait, then they have turns', async () => {
    const { held, service, has } = holding();
    const gateway = await startGateway({
      ...settings,
      catalog: service,
      places: { maxInFlight: 1, maxWaiting: 100, patience },
    });
    const ask = asking(gateway.url);
    const all = [ask(1, 'a1')];
    await has(1);
    for (const [client, path] of [
      [1, 'a2'],
      [1, 'a3'],
      [1, 'a4'],
      [2, 'b1'],
      [2, 'b2'],
    ] as const) {
      all.push(ask(client, path));
      await untilWaiting(gateway, all.length - 1);
    }
    for (let turn = 0; turn < 6; turn++) {
      await has(turn + 1);
      held[turn]?.finish();
    }
    await Promise.all(all);

    const order = held.map(({ url }) => url.split('/').at(-1));
    expect(order).toEqual(['a1', 'a2', 'b1', 'a3', 'b2', 'a4']);
  });

  test('When no more may wait, then one of the client that has most of them is refused, and another client waits', async () => {
    const { held, service, has } = holding();
    const gateway = await startGateway({
      ...settings,
      catalog: service,
      places: { maxInFlight: 1, maxWaiting: 3, patience },
    });
    const ask = asking(gateway.url);
    const greedy = [ask(1, 1)];
    await has(1);
    greedy.push(ask(1, 2), ask(1, 3), ask(1, 4));
    await untilWaiting(gateway, 3);

    const other = ask(2, 'other');
    const refused = await Promise.race(greedy.slice(1));
    for (let turn = 0; turn < 4; turn++) {
      await has(turn + 1);
      held[turn]?.finish();
    }

    expect(refused.status).toBe(503);
    expect((await other).status).toBe(200);
  });
});
