import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Database } from '@shop/db/connection/connection.ts';
import { untilRunning, whileLocked } from '@shop/testing/database.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(taggingService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

/** An id that no row has. */
const nobody = 4_000_000;
const read = async (id: number) => (await service.get(`/api/tags/${id}`)).body;
const update = (id: number, changes: unknown) => service.patch(`/api/tags/${id}`, changes);
const idsOf = (rows: { id: number }[]) => rows.map(({ id }) => id);
const versionsOf = (ids: number[]) => Promise.all(ids.map((id) => make.versionOf(id)));
/** Runs `send` twenty times at once. */
const twentyTimes = <T>(send: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: 20 }, (_, index) => send(index)));
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted();

describe('update', () => {
  test.each(['put', 'patch'] as const)(
    'When it is renamed by %s, then only name and version change',
    async (method) => {
      const tag = await make.tag({ productIds: await make.products(1) });
      const tag_name = unique('Renamed');

      const { status, body } = await service[method](`/api/tags/${tag.id}`, { tag_name });

      expect(status).toBe(200);
      expect(body).toEqual({ ...tag, tag_name, version: 2, updated_at: expect.any(String) });
      expect(await read(tag.id)).toEqual(body);
    },
  );

  test('When it is renamed, then its products do not change', async () => {
    const productIds = await make.products(1);
    const tag = await make.tag({ productIds });

    await update(tag.id, { tag_name: unique('Renamed') });

    expect(await versionsOf(productIds)).toEqual([2]);
  });

  test('When productIds is sent, then it replaces the products and only those that come or go move on', async () => {
    const [stays, goes, comes] = (await make.products(3)) as [number, number, number];
    const tag = await make.tag({ productIds: [stays, goes] });

    const { body } = await update(tag.id, { productIds: [comes, stays] });

    expect(idsOf(body.products)).toEqual([stays, comes]);
    expect(body).toMatchObject({ product_count: 2, version: 2 });
    expect(await versionsOf([stays, goes, comes])).toEqual([2, 3, 2]);
  });

  test('When productIds is empty, then it has no products any more and they have moved on', async () => {
    const productIds = await make.products(2);
    const tag = await make.tag({ productIds });

    const { body } = await update(tag.id, { productIds: [] });

    expect(body).toMatchObject({ product_count: 0, products: [], version: 2 });
    expect(await versionsOf(productIds)).toEqual([3, 3]);
  });

  test('When productIds is absent, then the products stay', async () => {
    const tag = await make.tag({ productIds: await make.products(2) });

    expect((await update(tag.id, { slug: 'still-here' })).body.products).toEqual(tag.products);
  });

  test('When productIds is what it was, in another order and twice, then nothing changes', async () => {
    const [a, b] = (await make.products(2)) as [number, number];
    const tag = await make.tag({ productIds: [a, b] });

    expect((await update(tag.id, { productIds: [b, a, b] })).body).toEqual(tag);
    expect(await versionsOf([a, b])).toEqual([2, 2]);
  });

  test.each(['put', 'patch'] as const)(
    'When it is sent back by %s as it was read, then nothing changes',
    async (method) => {
      const tag = await make.tag({ productIds: await make.products(2) });

      const { status, body } = await service[method](`/api/tags/${tag.id}`, tag);

      expect(status).toBe(200);
      expect(body).toEqual(tag);
    },
  );

  test('When its name changes its case only, then it is its own and is changed', async () => {
    const tag = await make.tag({ tag_name: 'folk' });

    expect((await update(tag.id, { tag_name: 'Fölk' })).body).toMatchObject({ tag_name: 'Fölk', slug: 'folk' });
  });

  test.each([
    ['a fault', 400, async () => ({ productIds: [], slug: 'No Slug' })],
    ['null as its name', 400, async () => ({ productIds: [], tag_name: null })],
    ['an unknown product', 422, async () => ({ tag_name: unique('Renamed'), productIds: [nobody] })],
    ['a name that is taken', 409, async () => ({ productIds: [], tag_name: (await make.tag()).tag_name })],
    ['another id', 400, async () => ({ productIds: [], id: nobody })],
  ])('When a body has %s, then it is %i and nothing changes', async (_, expected, changes) => {
    const productIds = await make.products(1);
    const tag = await make.tag({ productIds });

    const { status } = await update(tag.id, await changes());

    expect(status).toBe(expected);
    expect(await read(tag.id)).toEqual(tag);
  });

  test.each(['put', 'patch'] as const)('When there is no such tag, then %s is 404', async (method) => {
    const { status, body } = await service[method](`/api/tags/${nobody}`, { slug: 'nobody' });

    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not_found', detail: `There is no tag ${nobody}.` });
  });
});

describe('delete', () => {
  test('When a tag is deleted, then the answer is the tag as it was and how many products had it', async () => {
    const tag = await make.tag({ productIds: await make.products(2) });

    const { status, body } = await service.delete(`/api/tags/${tag.id}`);

    expect(status).toBe(200);
    expect(body).toEqual({ ...tag, effects: { products_untagged: 2 } });
    expect((await service.get(`/api/tags/${tag.id}`)).status).toBe(404);
  });

  test('When a tag is deleted, then its products stay, without it, and have moved on', async () => {
    const productIds = await make.products(2);
    const tag = await make.tag({ productIds });

    await service.delete(`/api/tags/${tag.id}`);

    expect(await make.linksOf(tag.id)).toBe(0);
    expect(await versionsOf(productIds)).toEqual([3, 3]);
  });

  test('When it has more than 50 products, then all of them are counted', async () => {
    const tag = await make.tag({ productIds: await make.products(60) });

    expect((await service.delete(`/api/tags/${tag.id}`)).body.effects).toEqual({ products_untagged: 60 });
  });

  test('When it is deleted once more, then it is 404', async () => {
    const tag = await make.tag();
    await service.delete(`/api/tags/${tag.id}`);

    expect((await service.delete(`/api/tags/${tag.id}`)).status).toBe(404);
  });
});

describe('at once', () => {
  test('When 20 tags of one name are created, then one is and the others are told who holds it', async () => {
    const answers = await twentyTimes(() => service.post('/api/tags', { tag_name: 'only one' }));

    expect(statusesOf(answers)).toEqual([201, ...Array(19).fill(409)]);
    const winner = answers.find(({ status }) => status === 201);
    const losers = answers.filter(({ status }) => status === 409);
    for (const { body } of losers) expect(body.errors).toMatchObject([{ pointer: '/tag_name', id: winner?.body.id }]);
  });

  test('When 20 tags are put on the same products, then all are, and each moves every product on by one', async () => {
    const productIds = await make.products(3);

    const answers = await twentyTimes(() => service.post('/api/tags', { tag_name: unique('Crowd'), productIds }));

    expect(statusesOf(answers)).toEqual(Array(20).fill(201));
    expect(await versionsOf(productIds)).toEqual([21, 21, 21]);
  });

  test('When 20 changes of its products meet, then the last one holds and no link is left of the others', async () => {
    const products = await make.products(6);
    const tag = await make.tag();

    const answers = await twentyTimes((index) =>
      update(tag.id, { productIds: [products[index % 6], products[(index + 1) % 6]] }),
    );

    expect(statusesOf(answers)).toEqual(Array(20).fill(200));
    expect(await make.linksOf(tag.id)).toBe(2);
  });

  test('When it is deleted 20 times, then it is deleted once', async () => {
    const tag = await make.tag({ productIds: await make.products(1) });

    const answers = await twentyTimes(() => service.delete(`/api/tags/${tag.id}`));

    expect(statusesOf(answers)).toEqual([200, ...Array(19).fill(404)]);
  });

  test('When a product goes while 20 tags are put on it, then each is 201 or 422 and no link points nowhere', async () => {
    const { models } = service.database.db;
    for (let round = 0; round < 5; round++) {
      const productIds = await make.products(1);
      const creating = twentyTimes(() => service.post('/api/tags', { tag_name: unique('Late'), productIds }));
      const removed = models.product.destroy({ where: { id: productIds } });

      const statuses = statusesOf(await creating);
      await removed;

      expect(statuses.filter((status) => status !== 201 && status !== 422)).toEqual([]);
      expect(await models.product_tag.count({ where: { product_id: productIds } })).toBe(0);
    }
  });

  test.each([
    ['sent no products', (id: number) => update(id, { productIds: [] })],
    ['deleted', (id: number) => service.delete(`/api/tags/${id}`)],
  ])(
    'When a tag is %s while a writer of its product takes it away, then this has changed no product',
    async (_, change) => {
      const { db } = service.database;
      const [id] = (await make.products(1)) as [number];
      const tag = await make.tag({ productIds: [id] });
      const { changing } = await whileLocked(service.database, id, async (transaction) => {
        const changing = change(tag.id);
        await untilRunning(service.database, /^UPDATE.*product/s);
        await db.models.product_tag.destroy({ where: { product_id: id }, transaction });
        return { changing };
      });

      const { status, body } = await changing;

      expect([status, body.version, body.effects?.products_untagged ?? 0]).toEqual([200, 1, 0]);
      expect(await versionsOf([id])).toEqual([2]);
    },
  );
});

describe('rights', () => {
  let tagging: Database;
  beforeAll(() => {
    tagging = connect(service.database.settingsOf('tagging'));
  });
  afterAll(() => tagging.sequelize.close());

  test("When the account of tagging-service changes a product's price, then the database refuses", async () => {
    const [id] = (await make.products(1)) as [number];

    const change = tagging.models.product.update({ price: 0.01 }, { where: { id } });

    await expect(change).rejects.toThrow(/denied/);
  });

  test.each([
    'UPDATE product SET stock = 0',
    'UPDATE product SET price = 0, version = version + 1',
    'DELETE FROM product',
    "INSERT INTO product (product_name, slug, price) VALUES ('x', 'x', 1)",
    "INSERT INTO category (category_name, slug) VALUES ('x', 'x')",
    "UPDATE category SET category_name = 'x'",
    'DELETE FROM category',
    'UPDATE product_tag SET tag_id = tag_id',
    'SELECT * FROM stock_movement',
    'DELETE FROM schema_migration',
    'DROP TABLE tag',
    'TRUNCATE TABLE tag',
    'ALTER TABLE tag ADD COLUMN x INT',
    'CREATE TABLE x (id INT)',
    'DROP DATABASE mysql',
    'SELECT * FROM mysql.user',
    'CREATE USER x',
    "SELECT 1 INTO OUTFILE '/tmp/shop-denied'",
  ])('When the account of tagging-service runs %s, then the database refuses', async (sql) => {
    await expect(tagging.sequelize.query(sql)).rejects.toThrow(/denied/);
  });

  test('When the account of tagging-service moves on the version of a product, then the database allows it', async () => {
    const [id] = (await make.products(1)) as [number];

    await tagging.sequelize.query('UPDATE product SET version = version + 1 WHERE id = $1', { bind: [id] });

    expect(await make.versionOf(id)).toBe(2);
  });
});
