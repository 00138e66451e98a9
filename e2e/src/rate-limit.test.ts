import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { freePort } from '@shop/db/embedded.ts';
import { listen, type RunningServer } from '@shop/service-kit/server.ts';
import { request } from '@shop/service-kit/testing.ts';
import { startRedis, type TestRedis } from './redis.ts';

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

/** A gateway process that allows five requests a minute, counted in the Redis. */
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
      RATE_LIMIT: '5/60s',
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
    /** The status, and how many requests are left. */
    ask: async () => {
      const { status, headers } = await request(`http://127.0.0.1:${port}/api/products`);
      return [status, Number(/r=(\d+)/.exec(headers.get('ratelimit') ?? '')?.[1])];
    },
  };
}

const away = 'Redis is away';
const back = 'Redis is back';

describe('gateways with one Redis', () => {
  test('When a client asks now one and now the other, then they count together', async () => {
    await redis();
    const [one, other] = await Promise.all([startGateway(), startGateway()]);

    const answers = [];
    for (const gateway of [one, other, one, other, one, other]) answers.push(await gateway.ask());

    expect(answers).toEqual([
      [200, 4],
      [200, 3],
      [200, 2],
      [200, 1],
      [200, 0],
      [429, 0],
    ]);
  });

  test('When it is killed, then each counts for itself and says so once; when it is back, then together again', async () => {
    const first = await redis();
    const [one, other] = await Promise.all([startGateway(), startGateway()]);
    await one.ask();
    await first.kill();
    await Promise.all([one.has(away), other.has(away)]);

    const meanwhile = [await one.ask(), await one.ask(), await other.ask()];
    await redis();
    await Promise.all([one.has(back), other.has(back)]);
    const together = [await one.ask(), await other.ask(), await one.ask()];

    expect(meanwhile).toEqual([
      [200, 4],
      [200, 3],
      [200, 4],
    ]);
    expect(together).toEqual([
      [200, 4],
      [200, 3],
      [200, 2],
    ]);
    expect(one.timesSaid(away)).toBe(1);
  });

  test('When it answers no more, then requests are answered, and counted together again when it does', async () => {
    const frozen = await redis();
    const gateway = await startGateway();
    await gateway.ask();
    frozen.freeze();

    const meanwhile = [await gateway.ask(), await gateway.ask()];
    frozen.thaw();
    await gateway.has(back);

    expect(meanwhile).toEqual([
      [200, 4],
      [200, 3],
    ]);
    // What it was asked before it froze no more, it has counted all the same.
    const [status, left] = await gateway.ask();
    expect([status, Number(left) <= 3]).toEqual([200, true]);
  });

  test('When it is not there at the start, then a gateway starts all the same, and finds it when it comes', async () => {
    const gateway = await startGateway();
    const alone = await gateway.ask();
    await redis();
    await gateway.has(back);

    expect(alone).toEqual([200, 4]);
    expect(await gateway.ask()).toEqual([200, 4]);
    expect(gateway.timesSaid(away)).toBe(1);
  });
});
