import { availableParallelism } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { connect, disconnect } from '@shop/db/connection/connection.ts';
import { type ServerConnection, serverConnections, whileLocked as whileLockedIn } from '@shop/testing/database.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

/** Milliseconds that these tests wait for what the contract says to be over. */
const contract = 10_000;

/** For what is not about the end of its time, so that a machine without time changes nothing. */
const patient = { requestTimeout: 60_000 };

/** One wait for a row's lock, 5 s, and most of another one. In milliseconds. */
const almostTwoWaits = 9_500;

let service: TestService;
afterEach(() => service.stop());

async function start(options: Parameters<typeof startTestService>[1] = {}) {
  service = await startTestService(catalogService, { requestTimeout: contract, ...options });
  return rowsIn(service);
}

/** Locks a product for as long as `work` runs. */
const whileLocked = <T>(id: number, work: () => Promise<T>) => whileLockedIn(service.database, id, work);

/** The statements of the service that the server is at work on. */
async function running(): Promise<ServerConnection[]> {
  const { user } = service.database.settingsOf('catalog');
  return (await serverConnections(service.database.db)).filter(
    (connection) => connection.user === user && connection.statement !== null,
  );
}

async function until(isSo: () => Promise<boolean>): Promise<'so' | 'not'> {
  const end = performance.now() + contract;
  while (!(await isSo())) {
    if (performance.now() > end) return 'not';
    await delay(20);
  }
  return 'so';
}

const soon = (ms: number) => ({ headers: { 'X-Request-Timeout-Ms': String(ms) } });

test('When a write waits for a lock until its time is up, then it is 504 and its statement has ended at the database', async () => {
  const make = await start();
  const { id } = await make.product({ stock: 3 });

  const { answer, ended } = await whileLocked(id, async () => ({
    answer: await service.patch(`/api/products/${id}`, { stock: 1 }, soon(700)),
    ended: await until(async () => (await running()).length === 0),
  }));

  expect(answer.body).toMatchObject({
    status: 504,
    code: 'upstream_timeout',
    detail: expect.stringContaining('Nothing was changed'),
  });
  expect(ended).toBe('so');
  expect((await service.get(`/api/products/${id}`)).body).toMatchObject({ stock: 3, version: 1 });
});

/** A batch whose body is so large that few like it are worked on at a time. */
const largeBatch = (id: number) => ({
  create: [1, 2, 3].map(() => ({
    product_name: 'In a large batch',
    price: 1,
    description: 'long text '.repeat(6_000),
  })),
  update: [{ id, stock: 1 }],
});

test('When a large batch has not ended in its share of its time, then it is 503 with Retry-After and undone', async () => {
  const make = await start();
  const { id } = await make.product({ stock: 3 });

  const answer = await whileLocked(id, () => service.post('/api/products/batch', largeBatch(id), soon(4_000)));

  expect(answer.body).toMatchObject({ status: 503, detail: expect.stringContaining('Nothing was changed') });
  expect(answer.headers.get('Retry-After')).toBe('1');
  const { body } = await service.get('/api/products?q=large batch');
  expect(body).toEqual([]);
  expect((await service.get(`/api/products/${id}`)).body).toMatchObject({ stock: 3, version: 1 });
});

test('When large batches would wait longer than they may, then they are 503 with Retry-After before they are begun', async () => {
  const make = await start();
  const { id } = await make.product({ stock: 3 });

  // Half as many as there are processors are worked on at a time.
  const answers = await whileLocked(id, () =>
    atOnce(availableParallelism() + 3, () => service.post('/api/products/batch', largeBatch(id))),
  );

  const refused = answers.filter(({ body }) => body.detail?.startsWith('Too many large request bodies'));
  expect(refused.length).toBeGreaterThanOrEqual(3);
  for (const { status, headers } of refused)
    expect([status, headers.get('Retry-After')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
});

test('When a lock comes later than one wait for it lasts, then the write is done', async () => {
  const make = await start(patient);
  const { id } = await make.product({ stock: 3 });

  const [answer] = await whileLocked(id, async () => {
    const writing = service.patch(`/api/products/${id}`, { stock: 1 });
    await delay(6_000);
    return [writing];
  });

  expect((await answer).body).toMatchObject({ stock: 1, version: 2 });
});

test('When a lock has not come when the time is up, though it was waited for again, then it is 503 with Retry-After', async () => {
  const make = await start(patient);
  const { id } = await make.product({ stock: 3 });

  const { status, headers, body } = await whileLocked(id, () =>
    service.patch(`/api/products/${id}`, { stock: 1 }, soon(almostTwoWaits)),
  );

  expect([status, headers.get('Retry-After')]).toEqual([503, '1']);
  expect(body.detail).toBe('A row is locked by another request. Nothing was changed. Try again.');
  expect((await service.get(`/api/products/${id}`)).body).toMatchObject({ stock: 3, version: 1 });
});

test('When a delete in steps waits in vain for a lock, then it is 503 and says what is done and that the same request goes on', async () => {
  const make = await start({ ...patient, stepSize: 2 });
  const category = await make.category();
  const products = [];
  for (let index = 0; index < 5; index++) products.push(await make.product({ category_id: category.id }));

  const { status, body } = await whileLocked(products[3].id, () =>
    service.delete(`/api/categories/${category.id}`, soon(almostTwoWaits)),
  );

  expect(status).toBe(503);
  expect(body.detail).toBe('Not complete yet. Repeat the request to continue.');
  expect(body.effects).toEqual({ products_detached: 2 });
});

test('When a read takes longer than its time, then it is 504 and its statement has ended at the database', async () => {
  const make = await start({ requestTimeout: 1_500 });
  const { id } = await make.product();
  const locking = connect({ ...service.database.owner, poolMax: 1 });
  await locking.sequelize.query('LOCK TABLES product WRITE');

  const answer = await service.get(`/api/products/${id}`);
  const ended = await until(async () => (await running()).length === 0);
  await disconnect(locking);

  expect(answer.body).toMatchObject({ status: 504, code: 'upstream_timeout' });
  expect(ended).toBe('so');
});

test('When a request with little time is followed by one that has more, then that is not cut short', async () => {
  const make = await start({ ...patient, poolMax: 2 });
  const { id } = await make.product({ stock: 3 });
  await whileLocked(id, () => service.patch(`/api/products/${id}`, { stock: 1 }, soon(300)));

  const waiting = await whileLocked(id, async () => {
    const patch = service.patch(`/api/products/${id}`, { stock: 2 });
    await delay(1_000);
    return { patch };
  });

  expect((await waiting.patch).status).toBe(200);
});

test('When all connections are in use and the queue is full, then one more is 503 at once, and those who wait succeed', async () => {
  const make = await start({ ...patient, poolMax: 2, queueMax: 3 });
  const { id } = await make.product();

  const { waiting, refused } = await whileLocked(id, async () => {
    const waiting = atOnce(5, () => service.post(`/api/products/${id}/stock`, { delta: 1 }));
    const full = await until(async () => (await running()).length === 2);
    expect(full).toBe('so');
    return { waiting, refused: await service.get('/api/products?_limit=7') };
  });

  expect(refused.body).toMatchObject({
    code: 'unavailable',
    detail: 'Too many requests are waiting for the database.',
  });
  expect(refused.headers.get('Retry-After')).toBe('1');
  expect((await waiting).map(({ status }) => status)).toEqual(Array(5).fill(201));
});

test('When 50 clients share two connections, then none of them is refused', async () => {
  const make = await start({ ...patient, poolMax: 2 });
  const { id } = await make.product();
  const answers = await atOnce(50, () => service.post(`/api/products/${id}/stock`, { delta: 1 }));
  expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(201));
});

test('When as many writes in steps as there are connections come at once, then all are done', async () => {
  const make = await start({ ...patient, poolMax: 2, stepSize: 3 });
  const categories = await Promise.all([1, 2, 3, 4].map(() => make.category()));
  for (const { id } of categories) for (let count = 0; count < 7; count++) await make.product({ category_id: id });

  const answers = await atOnce(4, (index) => service.delete(`/api/categories/${categories[index]?.id}`));

  expect(answers.map(({ status, body }) => [status, body.effects?.products_detached])).toEqual(Array(4).fill([200, 7]));
});
