import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { connect, select } from '@shop/db/connection/connection.ts';
import { migrate } from '@shop/db/migrate.ts';
import { purgeIdempotencyKeys, schedulePurge } from '@shop/resources/write/idempotency.ts';
import { untilRunning, whileLocked } from '@shop/testing/database.ts';
import { memoryLogger } from '@shop/testing/http.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn, unique } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService, { requestTimeout: 10_000 });
  make = rowsIn(service);
});
afterAll(() => service.stop());

const path = '/api/products';
const keyed = (key: string, others: Record<string, string> = {}) => ({
  headers: { 'Idempotency-Key': key, ...others },
});
const product = () => ({ product_name: unique('Once'), price: 1 });
const productsOf = ({ product_name }: { product_name: string }) =>
  service.database.db.models.product.count({ where: { product_name } });
const keys = async (): Promise<number> =>
  (await select<{ count: number }>(service.database.db, 'SELECT COUNT(*) AS count FROM catalog_idempotency_key'))[0]
    ?.count ?? 0;
/** The answer without what is new in every one of them. */
const lasting = ({ headers }: { headers: Headers }) =>
  Object.fromEntries(['content-type', 'location', 'etag', 'content-length'].map((name) => [name, headers.get(name)]));

/** The connections by which the service waits for a product, once there are any. */
const untilWaiting = () => untilRunning(service.database, /FROM product .*FOR UPDATE/s);

describe('the same request again', () => {
  test('When 50 clients create a product with the same key, then there is one, and all are told of it or to wait', async () => {
    const body = product();

    const answers = await atOnce(50, () => service.post(path, body, keyed('fifty')));

    const created = answers.filter(({ status }) => status === 201);
    const waiting = answers.filter((answer) => answer.body.code === 'request_in_progress');
    expect(created.length + waiting.length).toBe(50);
    expect(waiting.every(({ status, headers }) => status === 409 && headers.get('retry-after') === '1')).toBe(true);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    expect(created.filter(({ headers }) => !headers.has('idempotency-replayed'))).toHaveLength(1);
    expect(await productsOf(body)).toBe(1);
  });

  test('When 50 clients ask again for what was done, then all of them are answered with it', async () => {
    const body = product();
    const first = await service.post(path, body, keyed('again'));

    const answers = await atOnce(50, () => service.post(path, body, keyed('again')));

    for (const answer of answers) {
      expect([answer.status, answer.text, lasting(answer)]).toEqual([201, first.text, lasting(first)]);
      expect(answer.headers.get('idempotency-replayed')).toBe('true');
    }
  });

  test.each(['put', 'patch', 'delete'] as const)('When %s is sent again, then it is not done again', async (method) => {
    const { id } = await make.product();
    const one = `${path}/${id}`;
    const options = keyed(`again-${method}`, { 'If-Match': '"1"' });
    const send = () =>
      method === 'delete' ? service.delete(one, options) : service[method](one, { stock: 3 }, options);
    const first = await send();

    const again = await send();

    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expect(lasting(again)).toEqual(lasting(first));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });

  test('When the first is still running, then the second is told to wait, at once, and the third has the answer', async () => {
    const { id } = await make.product();
    const send = () => service.put(`${path}/${id}`, { stock: 5 }, keyed('slow'));

    const { running, second } = await whileLocked(service.database, id, async () => {
      const running = send();
      await untilWaiting();
      return { running, second: await send() };
    });
    const first = await running;
    const third = await send();

    expect([second.status, second.body.code, second.headers.get('retry-after')]).toEqual([
      409,
      'request_in_progress',
      '1',
    ]);
    expect([first.status, third.text]).toEqual([200, first.text]);
  });
});

describe('another request', () => {
  test.each([
    ['body', () => service.post(path, { product_name: 'Other', price: 2 }, keyed('taken'))],
    ['path', () => service.post('/api/categories', { category_name: 'Taken' }, keyed('taken'))],
    ['method', () => service.put(`${path}/1`, {}, keyed('taken'))],
  ])('When it has another %s, then it is 422 and nothing is done', async (_, send) => {
    const known = { product_name: 'Taken', price: 1 };
    await service.post(path, known, keyed('taken'));
    const before = await keys();

    const { status, body } = await send();

    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(body.errors).toMatchObject([{ header: 'Idempotency-Key' }]);
    expect(await keys()).toBe(before);
  });

  test('When another caller has the same key, then both are done', async () => {
    const body = product();
    const callers = [{}, { Authorization: 'Bearer a' }, { Authorization: 'Bearer b' }];

    const answers = await Promise.all(callers.map((caller) => service.post(path, body, keyed('mine', caller))));

    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(3);
    const again = await service.post(path, body, keyed('mine', { Authorization: 'Bearer a' }));
    expect(again.body.id).toBe(answers[1]?.body.id);
  });

  test('When the gateway names the client, then its name counts, and not its Authorization', async () => {
    const body = product();
    const send = (headers: Record<string, string>) => service.post(path, body, keyed('named', headers));

    const first = await send({ 'X-Api-Client': 'shop' });
    const other = await send({ 'X-Api-Client': 'office' });
    const again = await send({ 'X-Api-Client': 'shop', Authorization: 'Bearer a' });

    expect(other.body.id).not.toBe(first.body.id);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.body.id).toBe(first.body.id);
  });

  test('When a key comes bare and in quotes, then it is the same', async () => {
    const body = product();
    const first = await service.post(path, body, keyed('a/b=="c"'));

    expect((await service.post(path, body, keyed('"a/b==\\"c\\""'))).text).toBe(first.text);
  });

  test.each(['', '""', '"open', 'two words', '"two words"', 'x'.repeat(256), '"x";a=1', '"a\\b"', 'é', 'a, b'])(
    'When the key is %j, then it is 400 and nothing is done',
    async (key) => {
      const body = product();

      const answer = await service.post(path, body, keyed(key));

      expect(answer.status).toBe(400);
      expect(answer.body.errors).toMatchObject([{ header: 'Idempotency-Key' }]);
      expect(await productsOf(body)).toBe(0);
    },
  );

  test('When the key has 255 characters in quotes, then it is taken', async () => {
    expect((await service.post(path, product(), keyed(`"${'x'.repeat(255)}"`))).status).toBe(201);
  });
});

describe('what is not kept', () => {
  test('When a request is refused, then its key is free, and the same request is worked out anew', async () => {
    const holder = await make.product({ sku: 'REFUSED-1' });
    const body = { ...product(), sku: 'REFUSED-1' };
    const before = await keys();

    const refused = [
      await service.post(path, body, keyed('refused')),
      await service.post(path, body, keyed('refused')),
    ];
    expect(refused.map((answer) => answer.body.code)).toEqual(['duplicate', 'duplicate']);
    expect(await keys()).toBe(before);
    await service.delete(`${path}/${holder.id}`);

    const done = await service.post(path, body, keyed('refused'));
    expect([done.status, done.headers.get('idempotency-replayed')]).toEqual([201, null]);
  });

  test('When the connection breaks in the middle of a write, then it is begun anew, and done once', async () => {
    // Sequelize says there that it cannot roll back.
    jest.spyOn(console, 'warn').mockImplementationOnce(() => {});
    const { id } = await make.product({ stock: 1 });
    const send = () => service.patch(`${path}/${id}`, { stock: 99 }, keyed('broken'));
    const { broken } = await whileLocked(service.database, id, async () => {
      const broken = send();
      for (const connection of await untilWaiting()) await service.database.db.sequelize.query(`KILL ${connection.id}`);
      return { broken };
    });

    expect(await broken).toMatchObject({ status: 200, body: { stock: 99, version: 2 } });
    const again = await send();
    expect([again.status, again.body.version, again.headers.get('idempotency-replayed')]).toEqual([200, 2, 'true']);
  });

  test('When another writer does not give way, then it is 503 with Retry-After, and nothing is done behind the back', async () => {
    const { id } = await make.product({ stock: 1 });

    const { status, headers, body } = await whileLocked(service.database, id, () =>
      service.patch(`${path}/${id}`, { stock: 99 }, keyed('held')),
    );

    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    expect((await service.get(`${path}/${id}`)).body.stock).toBe(1);
    expect((await service.patch(`${path}/${id}`, { stock: 99 }, keyed('held'))).status).toBe(200);
  });

  test('When an answer is too large to be kept, then a replay has its status and headers, and nothing is done twice', async () => {
    const create = Array.from({ length: 40 }, () => ({
      category_name: randomUUID(),
      description: randomBytes(45_000).toString('base64'),
    }));
    const send = () => service.post('/api/categories/batch', { create }, keyed('large'));
    const first = await send();

    const again = await send();

    expect([first.status, first.text.length > 2 ** 21]).toEqual([200, true]);
    expect([again.status, again.text]).toEqual([200, '']);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});

describe('whose stored responses they are', () => {
  test.each([
    ['tagging', 'SELECT * FROM catalog_idempotency_key'],
    ['tagging', 'DELETE FROM catalog_idempotency_key'],
    ['catalog', 'SELECT * FROM tagging_idempotency_key'],
  ] as const)('When the %s account tries "%s", then the database refuses', async (account, statement) => {
    const db = connect(service.database.settingsOf(account));

    await expect(db.sequelize.query(statement)).rejects.toThrow(/command denied/);

    await db.sequelize.close();
  });

  test('When a release before the tables were parted has done a write, then its key is known after the migration', async () => {
    const { db, owner } = service.database;
    const body = product();
    const first = await service.post(path, body, keyed('upgrade'));
    await db.sequelize.query('CREATE TABLE idempotency_key LIKE catalog_idempotency_key');
    await db.sequelize.query('INSERT INTO idempotency_key SELECT * FROM catalog_idempotency_key');
    await db.sequelize.query('DELETE FROM catalog_idempotency_key');
    await db.sequelize.query("DELETE FROM schema_migration WHERE name LIKE '0008%'");

    const ran = await migrate(owner);
    const again = await service.post(path, body, keyed('upgrade'));

    expect(ran).toEqual(['0008-idempotency-per-service.sql']);
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
    await expect(select(db, 'SELECT 1 FROM idempotency_key')).rejects.toThrow(/doesn't exist/);
  });
});

describe('forgetting', () => {
  /** Makes keys of a certain age in hours. */
  const old = (count: number, hours: number) =>
    service.database.db.sequelize.query(
      `INSERT INTO catalog_idempotency_key (id, fingerprint, status, headers, created_at)
       SELECT UNHEX(SHA2(CONCAT(UUID(), seq), 256)), REPEAT('x', 32), 201, '{}', CURRENT_TIMESTAMP(3) - INTERVAL $1 MINUTE
       FROM (WITH RECURSIVE numbers (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < $2) SELECT seq FROM numbers) AS counted`,
      { bind: [Math.round(hours * 60), count] },
    );

  test('When keys are older than a day, then they are purged in steps, and the others stay', async () => {
    const before = await keys();
    await old(990, 24.1);
    await old(7, 23.9);
    const db = connect(service.database.settingsOf('catalog'));

    const purged = await purgeIdempotencyKeys(db, 'catalog');
    await db.sequelize.close();

    expect(purged).toBe(990);
    expect(await keys()).toBe(before + 7);
  });

  test('When a service runs, then it purges by itself', async () => {
    await old(3, 25);
    const db = connect(service.database.settingsOf('catalog'));
    const stop = schedulePurge(db, 'catalog', memoryLogger().logger, 5);
    const left = async () => purgeable();

    for (let attempt = 0; attempt < 1_000 && (await left()) > 0; attempt++) await delay(10);
    stop();
    await db.sequelize.close();

    expect(await left()).toBe(0);
  });

  test('When the database is away, then the purge is left out and nothing is said of it', async () => {
    const { logger, lines } = memoryLogger();
    const attempted = Promise.withResolvers<void>();
    const db = connect({ ...service.database.settingsOf('catalog'), port: 1 });
    const query = db.sequelize.query.bind(db.sequelize);
    let attempts = 0;
    db.sequelize.query = ((...args: Parameters<typeof query>) => {
      if (++attempts === 3) attempted.resolve();
      return query(...args);
    }) as typeof db.sequelize.query;
    const stop = schedulePurge(db, 'catalog', logger, 5);

    await attempted.promise;
    stop();

    expect(lines).toEqual([]);
    await db.sequelize.close();
  });

  const purgeable = async (): Promise<number> => {
    const rows = await select<{ count: number }>(
      service.database.db,
      'SELECT COUNT(*) AS count FROM catalog_idempotency_key WHERE created_at < CURRENT_TIMESTAMP(3) - INTERVAL 24 HOUR',
    );
    return rows[0]?.count ?? 0;
  };
});
