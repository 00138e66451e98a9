import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { generateKey } from './api-key.ts';
import type { GuardConfig } from './guard.ts';
import { rateLimitSetting } from './rate-limit.ts';
import { keyLine, startGuardedGateway, temporaryKeyFile } from './testing.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function start(config: Partial<GuardConfig>, options?: Parameters<typeof startGuardedGateway>[1]) {
  const gateway = await startGuardedGateway(config, options);
  cleanUps.push(gateway.stop);
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    request(gateway.url + path, { method, headers });
  return { ...gateway, send, get: (headers?: Record<string, string>) => send('GET', '/api/products', headers) };
}

const twoAMinute = { count: 2, seconds: 60 };

describe('RATE_LIMIT', () => {
  test.each([
    ['600/60s', 600, 60],
    ['1/1s', 1, 1],
    ['100/5m', 100, 300],
    ['999999999/24h', 999_999_999, 86_400],
  ])('When it is %s, then that are %d requests in %d seconds', (text, count, seconds) => {
    expect(rateLimitSetting.parse(text)).toEqual({ count, seconds });
  });

  test.each(['600', '0/60s', '600/0s', '600/60', '600/25h', '600 / 60s', '-1/60s', '1e3/60s', '600/60s '])(
    'When it is %j, then it is refused',
    (text) => {
      expect(rateLimitSetting.safeParse(text).success).toBe(false);
    },
  );
});

describe('a limit', () => {
  test('When there is none, then no answer speaks of one', async () => {
    const { get } = await start({});

    expect([...(await get()).headers.keys()].filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });

  test('When requests come, then each answer says how many are left and what the limit is', async () => {
    const { get } = await start({ rateLimit: twoAMinute });

    const answers = [await get(), await get()];

    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(answers.map(({ headers }) => headers.get('ratelimit'))).toEqual([
      expect.stringMatching(/^"api"; r=1; t=\d+$/),
      expect.stringMatching(/^"api"; r=0; t=\d+$/),
    ]);
    expect(answers[0]?.headers.get('ratelimit-policy')).toMatch(/^"api"; q=2; w=60; pk=:\S+:$/);
  });

  test('When there are too many, then it is 429 that says when to come again, and the service hears nothing', async () => {
    let heard = 0;
    const { get } = await start(
      { rateLimit: twoAMinute },
      {
        upstream: (_req, res) => {
          heard++;
          res.end();
        },
      },
    );
    await get();
    await get();

    const { status, headers, body } = await get();

    expect([status, body.code, heard]).toEqual([429, 'rate_limited', 2]);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(headers.get('ratelimit')).toMatch(/^"api"; r=0; t=\d+$/);
    expect(headers.get('access-control-allow-origin')).toBe('*');
  });

  test('When its time is over, then requests are answered again', async () => {
    const { get } = await start({ rateLimit: { count: 1, seconds: 1 } });
    const statuses: number[] = [];
    while (statuses.join() !== '200,429,200') {
      const { status } = await get();
      if (status !== statuses.at(-1)) statuses.push(status);
      await delay(20);
    }

    expect(statuses).toEqual([200, 429, 200]);
  });

  test.each(['/', '/health/live', '/docs'])('When %s is asked for, then it does not count', async (path) => {
    const { send, get } = await start({ rateLimit: { count: 1, seconds: 60 } });

    const statuses = [await send('GET', path), await send('GET', path), await get()].map(({ status }) => status);

    expect(statuses).toEqual([200, 200, 200]);
  });

  test('When a body is sent while it counts, then the service gets all of it', async () => {
    const { url } = await start({ rateLimit: twoAMinute }, { upstream: (req, res) => void req.pipe(res) });
    const body = 'x'.repeat(500_000);

    expect((await request(`${url}/api/products`, { method: 'POST', body })).text).toBe(body);
  });
});

describe('who is counted', () => {
  const key = generateKey();
  const other = generateKey();
  const bearing = (text: string) => ({ Authorization: `Bearer ${text}` });

  async function startWithKeys(options?: Parameters<typeof startGuardedGateway>[1]) {
    const { file, remove } = await temporaryKeyFile(keyLine('shop', 'read', key), keyLine('office', 'read', other));
    cleanUps.push(remove);
    return start({ keysFile: file, rateLimit: twoAMinute }, options);
  }

  test('When two clients have keys, then each has a limit of its own', async () => {
    const { get } = await startWithKeys();
    for (let count = 0; count < 3; count++) await get(bearing(key));

    expect((await get(bearing(key))).status).toBe(429);
    expect((await get(bearing(other))).status).toBe(200);
  });

  test('When keys are guessed, then the address is limited, and its clients with keys are not', async () => {
    const { get } = await startWithKeys();

    const guesses = [];
    for (let count = 0; count < 3; count++) guesses.push((await get(bearing(generateKey()))).status);

    expect(guesses).toEqual([401, 401, 429]);
    expect((await get(bearing(key))).status).toBe(200);
  });

  test('When a request is refused for its scope, then it counts for its client', async () => {
    const { send, get } = await startWithKeys();
    await send('POST', '/api/tags', bearing(key));
    await send('POST', '/api/tags', bearing(key));

    expect((await get(bearing(key))).status).toBe(429);
  });

  /** The statuses of three requests that name these addresses. */
  async function statusesOf(trustProxy: boolean, ...addresses: string[]): Promise<number[]> {
    const { get } = await start({ rateLimit: twoAMinute }, { trustProxy });
    const statuses: number[] = [];
    for (const address of addresses) statuses.push((await get({ 'X-Forwarded-For': address })).status);
    return statuses;
  }

  test.each([
    [
      'a client says that it comes from elsewhere, and no proxy is trusted',
      false,
      ['192.0.2.1', '192.0.2.2', '192.0.2.3'],
      429,
    ],
    ['a trusted proxy names three addresses', true, ['192.0.2.1', '192.0.2.2', '192.0.2.3'], 200],
    [
      'a trusted proxy names one that had others ahead',
      true,
      ['1.1.1.1, 192.0.2.1', '192.0.2.1', '2.2.2.2,192.0.2.1'],
      429,
    ],
    [
      'a trusted proxy names three of one IPv6 network',
      true,
      ['2001:db8:0:1::1', '2001:db8:0:1:f::', '2001:db8:0:1::3'],
      429,
    ],
    ['a trusted proxy names three IPv6 networks', true, ['2001:db8:0:1::1', '2001:db8:0:2::1', '2001:db8:0:3::1'], 200],
    [
      'a trusted proxy names three addresses with their ports',
      true,
      ['192.0.2.1:51234', '[2001:db8:0:1::1]:443', '[2001:db8:0:2::1]'],
      200,
    ],
    [
      'a trusted proxy names one address with three ports',
      true,
      ['192.0.2.1:51234', '192.0.2.1:51235', '192.0.2.1'],
      429,
    ],
    ['a trusted proxy names nonsense', true, ['unknown', '', 'x, y'], 429],
  ])('When %s, then the third request is answered accordingly', async (_, trustProxy, addresses, third) => {
    expect(await statusesOf(trustProxy, ...addresses)).toEqual([200, 200, third]);
  });
});
