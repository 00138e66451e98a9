import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startTelemetry } from '@shop/service-kit/telemetry.ts';
import { memoryLogger, request } from '@shop/testing/http.ts';
import { closeAll } from '../testing.ts';
import { generateKey } from './api-key.ts';
import type { GuardConfig } from './guard.ts';
import { keyLine, startGuardedGateway, temporaryKeyFile } from './testing.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  // What was started for a gateway that did not start.
  await closeAll();
});

const reader = generateKey();
const writer = generateKey();
const lines = [keyLine('office', 'read', reader), keyLine('shop', 'write', writer)];

const keyFile = async (...content: string[]): Promise<string> => {
  const { file, remove } = await temporaryKeyFile(...content);
  cleanUps.push(remove);
  return file;
};

async function start(config: Partial<GuardConfig>, options?: Parameters<typeof startGuardedGateway>[1]) {
  const gateway = await startGuardedGateway(config, options);
  cleanUps.push(gateway.stop);
  return gateway;
}

const startWithKeys = async (options?: Parameters<typeof startGuardedGateway>[1]) =>
  start({ keysFile: await keyFile(...lines) }, options);

const bearing = (key: string) => ({ headers: { Authorization: `Bearer ${key}` } });

describe('keys', () => {
  test.each(['GET', 'POST', 'DELETE'])(
    'When %s comes without a key, then it is 401 with a challenge',
    async (method) => {
      const { url } = await startWithKeys();

      const { status, headers, body } = await request(`${url}/api/products/1`, { method });

      expect([status, body.code]).toEqual([401, 'unauthenticated']);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="shop"');
    },
  );

  test.each([
    `Bearer ${generateKey()}`,
    `Bearer ${reader}x`,
    `Bearer ${reader.slice(0, -1)}`,
    `Bearer ${reader} ${reader}`,
    `Basic ${reader}`,
    reader,
    'Bearer',
    'Bearer ',
  ])('When Authorization is %j, then it is 401', async (authorization) => {
    const { url } = await startWithKeys();

    const { status, headers, body } = await request(`${url}/api/products`, {
      headers: { Authorization: authorization },
    });

    expect([status, body.code]).toEqual([401, 'unauthenticated']);
    expect(headers.get('www-authenticate')).toContain('error="invalid_token"');
  });

  test.each([
    ['GET', reader],
    ['HEAD', reader],
    ['GET', writer],
    ['POST', writer],
    ['PUT', writer],
    ['PATCH', writer],
    ['DELETE', writer],
  ])('When %s comes with a key of enough scope, then it is passed on', async (method, key) => {
    const { url } = await startWithKeys();

    expect((await request(`${url}/api/products/1`, { method, ...bearing(key) })).status).toBe(200);
  });

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])(
    'When %s comes with a key for reading, then it is 403',
    async (method) => {
      let heard = 0;
      const { url } = await startWithKeys({
        upstream: (_req, res) => {
          heard++;
          res.end();
        },
      });

      const { status, headers, body } = await request(`${url}/api/tags/1`, { method, ...bearing(reader) });

      expect([status, body.code, heard]).toEqual([403, 'forbidden', 0]);
      expect(headers.get('www-authenticate')).toBe('Bearer realm="shop", error="insufficient_scope", scope="write"');
    },
  );

  test('When the scheme is written in capitals, then the key is good all the same', async () => {
    const { url } = await startWithKeys();

    expect((await request(`${url}/api/tags`, { headers: { Authorization: `BEARER ${reader}` } })).status).toBe(200);
  });

  test('When a request is passed on, then the service learns the name of the client and not its key', async () => {
    const { url } = await startWithKeys();
    const headers = { Authorization: `Bearer ${reader}`, 'X-Api-Client': 'shop' };

    const { body } = await request(`${url}/api/products`, { headers });

    expect(body.headers['x-api-client']).toBe('office');
    expect(JSON.stringify(body)).not.toContain(reader);
  });

  test('When there are no keys, then the service is not told a name that a client gives itself', async () => {
    const { url } = await start({});
    const headers = { Authorization: 'Bearer mine', 'X-Api-Client': 'shop' };

    const { body } = await request(`${url}/api/products`, { headers });

    expect(body.headers).not.toHaveProperty('x-api-client');
    expect(body.headers.authorization).toBe('Bearer mine');
  });

  test.each(['/api', '/api/', '/api/nothing', '/api/productsX'])(
    'When nothing is at %s, then that takes a key to know',
    async (path) => {
      const { url } = await startWithKeys();

      expect((await request(url + path)).status).toBe(401);
      expect((await request(url + path, bearing(reader))).status).toBe(404);
    },
  );

  test.each(['/', '/docs', '/health/live', '/problems/unauthenticated'])(
    'When %s is asked for, then it takes no key',
    async (path) => {
      const { url } = await startWithKeys();

      expect((await request(url + path)).status).toBe(200);
    },
  );

  test('When a browser asks whether it may send a key, then it may', async () => {
    const { url } = await startWithKeys();
    const headers = {
      Origin: 'https://shop.example',
      'Access-Control-Request-Method': 'DELETE',
      'Access-Control-Request-Headers': 'authorization',
    };

    const answer = await request(`${url}/api/products/1`, { method: 'OPTIONS', headers });

    expect(answer.status).toBe(204);
    expect(answer.headers.get('access-control-allow-headers')).toBe('authorization');
    expect(answer.headers.get('access-control-allow-methods')).toContain('DELETE');
  });

  test('When reading is public, then it takes no key, writing does, and a key that is wrong is refused', async () => {
    const { url } = await start({ keysFile: await keyFile(...lines), publicRead: true });

    expect((await request(`${url}/api/products`)).status).toBe(200);
    expect((await request(`${url}/api/products`, { method: 'POST' })).status).toBe(401);
    expect((await request(`${url}/api/products`, bearing(generateKey()))).status).toBe(401);
  });
});

describe('the log', () => {
  test('When requests come with keys, then no line and no metric has one, and known clients are named', async () => {
    await startTelemetry({ metrics: true }, () => memoryLogger().logger);
    const gateway = await startWithKeys();
    const strange = generateKey();
    const send = (method: string, key: string) => request(`${gateway.url}/api/products/1`, { method, ...bearing(key) });
    const statuses = [await send('GET', writer), await send('POST', reader), await send('GET', strange)];
    await gateway.stopService();
    statuses.push(await send('GET', writer));

    const { text: metrics } = await request(`${gateway.url}/metrics`);
    const log = JSON.stringify(gateway.lines);

    expect(statuses.map(({ status }) => status)).toEqual([200, 403, 401, 503]);
    expect(metrics).toContain('route="/api/products/*",status="401"');
    expect(log + metrics).not.toMatch(new RegExp([writer, reader, strange].join('|')));
    expect(gateway.lines.filter(({ req }) => req).map(({ client }) => client)).toEqual([
      'shop',
      'office',
      undefined,
      'shop',
    ]);
  });

  test('When there are no keys, then it says once that the API is open', async () => {
    const { lines: open } = await start({});
    const { lines: closed } = await startWithKeys();

    expect(JSON.stringify(open).match(/the API is open/g)).toHaveLength(1);
    expect(JSON.stringify(closed)).not.toContain('the API is open');
  });
});

describe('the key file', () => {
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition())) await delay(50);
  };
  const statusOf = async (url: string, key: string) => (await request(`${url}/api/tags`, bearing(key))).status;

  test('When it is replaced by another, then the keys of that one count', async () => {
    const keysFile = await keyFile(...lines);
    const { url } = await start({ keysFile });
    const added = generateKey();

    await writeFile(`${keysFile}.new`, keyLine('new', 'read', added));
    await rename(`${keysFile}.new`, keysFile);
    await until(async () => (await statusOf(url, added)) === 200);

    expect(await statusOf(url, reader)).toBe(401);
  });

  test('When it is no longer valid, or gone, then that is logged, and the keys stay as they were', async () => {
    const keysFile = await keyFile(...lines);
    const gateway = await start({ keysFile });
    const complaints = () => gateway.lines.filter(({ msg }) => /keeping the previous keys/.test(String(msg)));

    await writeFile(keysFile, `${lines.join('\n')}\nbroken read`);
    await until(async () => complaints().length === 1);
    await rm(keysFile);
    await until(async () => complaints().length === 2);

    expect(await statusOf(gateway.url, reader)).toBe(200);
    expect(complaints().map(({ msg }) => msg)).toEqual([
      expect.stringContaining('line 3 must have three words'),
      expect.stringContaining('cannot be read (ENOENT)'),
    ]);
  });

  test.each([
    ['is not there', () => Promise.resolve('/nowhere/keys'), /cannot be read \(ENOENT\)/],
    ['is not valid', () => keyFile('shop write'), /line 1 must have three words/],
  ])('When it %s at the start, then the gateway does not start', async (_, file, message) => {
    const starting = startGuardedGateway({ keysFile: await file() });

    await expect(starting).rejects.toThrow(message);
  });
});
