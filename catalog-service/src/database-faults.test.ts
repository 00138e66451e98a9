import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { type FaultMode, type FaultProxy, startFaultProxy } from '@shop/testing/fault-proxy.ts';
import type { TestResponse } from '@shop/testing/http.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';

/** Milliseconds: what the contract allows, and where these tests give up. */
const contract = { refused: 2_000, back: 5_000 };

let database: TestDatabase;
let proxy: FaultProxy;
let service: TestService;
let id: number;
beforeEach(async () => {
  database = await createTestDatabase();
  proxy = await startFaultProxy(database.owner);
  service = await startTestService(catalogService, { database, address: { host: proxy.host, port: proxy.port } });
  id = (await service.post('/api/products', { product_name: 'Kettle', price: 5, stock: 10 })).body.id;
});
afterEach(async () => {
  await proxy.become({ kind: 'pass' });
  await service.stop();
  await proxy.close();
  await database.drop();
});

/** The answer, or nothing when the contract's time is over first. */
const soon = <T>(answer: Promise<T>, limit = contract.refused): Promise<T | undefined> =>
  Promise.race([answer, delay(limit, undefined, { ref: false })]);

const statusOf = async (path: string) => (await soon(service.get(path)))?.status;

/** Waits until a product can be read again. */
async function untilBack(): Promise<void> {
  while ((await service.get(`/api/products/${id}`)).status !== 200) await delay(20);
}

const take = (headers: Record<string, string> = {}): Promise<TestResponse> =>
  service.post(`/api/products/${id}/stock`, { delta: -1 }, { headers });

/** The stock, and the number of its movements beside the first, straight from the database. */
async function stockOf(): Promise<{ stock: number; movements: number } | undefined> {
  const rows = await select<{ stock: number; movements: number }>(
    database.db,
    `SELECT stock, (SELECT COUNT(*) FROM stock_movement WHERE product_id = $1) - 1 AS movements
     FROM product WHERE id = $1`,
    [id],
  );
  return rows[0];
}

test('When the way to the database takes 200 ms, then requests are answered as ever', async () => {
  await proxy.become({ kind: 'latency', ms: 200 });
  const [read, write] = await Promise.all([service.get(`/api/products/${id}`), take()]);
  expect([read.status, write.status]).toEqual([200, 201]);
});

test('When the way to the database is slow, then requests are answered as ever', async () => {
  await proxy.become({ kind: 'slow', bytes: 200, ms: 10 });
  expect((await service.get(`/api/products/${id}`)).status).toBe(200);
});

describe.each<FaultMode>([{ kind: 'black hole' }, { kind: 'refuse' }])('While the database is away ($kind)', (mode) => {
  beforeEach(async () => {
    await proxy.become(mode);
    if (mode.kind === 'refuse') proxy.reset();
  });

  test('When requests come, then each is 503 with Retry-After within the time of the contract', async () => {
    const reads = atOnce(15, (index) => service.get(`/api/products?_limit=${index + 1}`));
    const answers = await soon(Promise.all([reads, take()]).then(([read, written]) => [...read, written]));
    expect(answers?.map(({ status }) => status)).toEqual(Array(16).fill(503));
    expect(answers?.map(({ headers }) => headers.get('Retry-After'))).toEqual(Array(16).fill('1'));
    expect(answers?.[0]?.body.code).toBe('unavailable');
  });

  test('When its health is asked, then it lives and is not ready', async () => {
    expect([await statusOf('/health/live'), await statusOf('/health/ready')]).toEqual([200, 503]);
  });

  test('When the database is back, then so is the service, within the time of the contract', async () => {
    expect(await statusOf(`/api/products/${id}`)).toBe(503);
    await proxy.become({ kind: 'pass' });
    expect(
      await soon(
        untilBack().then(() => 'back'),
        contract.back,
      ),
    ).toBe('back');
    const answers = await atOnce(20, (index) => service.get(`/api/products?_limit=${index + 1}`));
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await statusOf('/health/ready')).toBe(200);
  });
});

test('When the way to the database is cut in the middle of a transaction, then its locks do not stay', async () => {
  const stopped = proxy.stopAt('COMMIT');
  const [written] = await Promise.all([take(), stopped]);
  expect(written.status).toBe(503);

  // Another writer, who still reaches the database. Each try waits for the lock as a write of a service does.
  const change = () => database.db.sequelize.query('UPDATE product SET price = 6 WHERE id = ?', { replacements: [id] });
  let isDone = false;
  for (let tries = 0; tries < 4 && !isDone; tries++) {
    isDone = await change().then(
      () => true,
      () => false,
    );
  }
  expect(isDone).toBe(true);
});

describe('When connections break off', () => {
  test('between two requests, then no request fails', async () => {
    const read = () => atOnce(10, (index) => service.get(`/api/products?_limit=${index + 1}`));
    await read();
    proxy.reset();
    const [answers, written] = await Promise.all([read(), take()]);
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect(written.status).toBe(201);
  });

  test('while a read is under way, then it is read again', async () => {
    const broken = proxy.breakAt('SELECT', 'answered');
    const [read] = await Promise.all([service.get(`/api/products/${id}?_embed=`), broken]);
    expect(read.status).toBe(200);
  });

  test.each(['before', 'answered'] as const)(
    'in the middle of a transaction (%s), then the write is done once',
    async (moment) => {
      const broken = proxy.breakAt('INSERT INTO stock_movement', moment);
      const [written] = await Promise.all([take(), broken]);
      expect(written.status).toBe(201);
      expect(await stockOf()).toEqual({ stock: 9, movements: 1 });
    },
  );

  test.each([
    { moment: 'before' as const, stock: 10 },
    { moment: 'answered' as const, stock: 9 },
  ])('at the commit ($moment), then it is 503 and the write was done once at the most', async ({ moment, stock }) => {
    const broken = proxy.breakAt('COMMIT', moment);
    const [written] = await Promise.all([take(), broken]);
    expect(written.body).toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('may or may not have been applied'),
    });
    expect(await stockOf()).toEqual({ stock, movements: 10 - stock });
  });

  test.each(['before', 'answered'] as const)(
    'at the commit (%s) of a write with a key, then it is done once',
    async (moment) => {
      const broken = proxy.breakAt('COMMIT', moment);
      const key = { 'Idempotency-Key': randomUUID() };
      const [written] = await Promise.all([take(key), broken]);
      const again = await take(key);
      expect([written.status, again.status]).toEqual([201, 201]);
      expect(await stockOf()).toEqual({ stock: 9, movements: 1 });
    },
  );

  test('at the commit of a write with a key, and none can be made again, then it is 503 that says so, and is done once', async () => {
    const gone = proxy.breakAt('COMMIT', 'answered').then(() => {
      proxy.reset();
      return proxy.become({ kind: 'refuse' });
    });
    const key = { 'Idempotency-Key': randomUUID() };
    const [written] = await Promise.all([take(key), gone]);
    await proxy.become({ kind: 'pass' });
    await untilBack();
    const again = await take(key);
    expect(written.body.detail).toContain('may or may not have been applied');
    expect([written.status, again.status]).toEqual([503, 201]);
    expect(await stockOf()).toEqual({ stock: 9, movements: 1 });
  });
});
