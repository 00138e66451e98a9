import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { listen, type RunningServer } from '@shop/service-kit/server.ts';
import { request } from '@shop/testing/http.ts';
import { startRedis, type TestRedis } from '@shop/testing/redis.ts';
import { freePort } from '@shop/tools/embedded.ts';

const root = path.join(import.meta.dirname, '../..');
const cleanUps: (() => Promise<unknown>)[] = [];

let redisPort: number;
let upstream: RunningServer;
beforeEach(async () => {
  redisPort = await freePort();
  upstream = await listen((_req, res) => void res.end('{}'), { host: '127.0.0.1', port: 0 });
  cleanUps.push(() => upstream.close());
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function redis(): Promise<TestRedis> {
  const server = await startRedis(redisPort);
  cleanUps.push(() => server.kill());
  return server;
}

/** A gateway process that counts in the Redis. */
async function startGateway() {
  const port = await freePort();
  const child = spawn(process.execPath, ['gateway/src/server.ts'], {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      ENV_FILE: '',
      GATEWAY_PORT: String(port),
      CATALOG_SERVICE_URL: upstream.url,
      TAGGING_SERVICE_URL: upstream.url,
      RATE_LIMIT: '1000000/1h',
      REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUps.push(async () => {
    if (child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const has = async (text: string) => {
    while (!output.includes(text)) await delay(20);
  };
  await has('listening on');
  return {
    has,
    timesSaid: (text: string) => output.split(text).length - 1,
    ask: () => request(`http://127.0.0.1:${port}/api/products`),
  };
}

type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** Asks one gateway and says how many requests are left. */
const left = async (gateway: Gateway): Promise<number> => {
  const { headers } = await gateway.ask();
  return Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1]);
};

/** Until two count together; on a busy machine, Redis may be away for a moment. */
async function untilTogether(one: Gateway, other: Gateway): Promise<void> {
  for (;;) {
    const [first, second, third] = [await left(one), await left(other), await left(one)];
    if (second === first - 1 && third === first - 2) return;
  }
}

const away = 'Redis is unreachable';
const back = 'Redis is back';

describe('gateways with one Redis', () => {
  test('When a client asks now one and now the other, then they count together', async () => {
    await redis();
    const [one, other] = await Promise.all([startGateway(), startGateway()]);

    await expect(untilTogether(one, other)).resolves.toBeUndefined();
  });

  test('When it is killed, then each counts for itself and says so once; when it is back, then together again', async () => {
    const first = await redis();
    const [one, other] = await Promise.all([startGateway(), startGateway()]);
    await untilTogether(one, other);
    const before = one.timesSaid(away);
    await first.kill();
    while (one.timesSaid(away) === before) await one.ask();

    const meanwhile = [await left(one), await left(other), await left(other), await left(one)];
    const said = one.timesSaid(away);
    await redis();
    await Promise.all([one.has(back), other.has(back)]);

    expect(meanwhile[3]).toBe(Number(meanwhile[0]) - 1);
    expect(said).toBe(before + 1);
    await expect(untilTogether(one, other)).resolves.toBeUndefined();
  });

  test('When it answers no more, then requests are answered all the same', async () => {
    const frozen = await redis();
    const gateway = await startGateway();
    frozen.freeze();

    const meanwhile = [await gateway.ask(), await gateway.ask()];
    frozen.thaw();
    await gateway.has(back);

    expect(meanwhile.map(({ status }) => status)).toEqual([200, 200]);
    expect((await gateway.ask()).status).toBe(200);
  });

  test('When it is not there at the start, then gateways start all the same, and find it when it comes', async () => {
    const [one, other] = await Promise.all([startGateway(), startGateway()]);
    const alone = await one.ask();
    await redis();

    expect(alone.status).toBe(200);
    await expect(untilTogether(one, other)).resolves.toBeUndefined();
  });
});
