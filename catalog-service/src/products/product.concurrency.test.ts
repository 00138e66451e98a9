import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Database } from '@shop/db/connection/connection.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const create = (fields: Record<string, unknown>) => service.post('/api/products', { price: 1, ...fields });
const times = <T>(count: number, send: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted();

describe('at once', () => {
  test('When 20 products of one name are created, then all are, each with a slug of its own', async () => {
    const answers = await times(20, () => create({ product_name: 'Rush hour' }));

    expect(statusesOf(answers)).toEqual(Array(20).fill(201));
    expect(new Set(answers.map(({ body }) => body.slug)).size).toBe(20);
  });

  test('When 60 products of one name are created, then none is told that a slug is taken for which it did not ask', async () => {
    const answers = await times(60, () => create({ product_name: 'Black Friday' }));

    expect(answers.filter(({ status }) => status === 409).map(({ text }) => text)).toEqual([]);
  });

  test('When 20 products of one sku are created, then one is and the others are told who holds it', async () => {
    const answers = await times(20, () => create({ product_name: unique('Only one'), sku: 'ONLY-ONE' }));

    expect(statusesOf(answers)).toEqual([201, ...Array(19).fill(409)]);
    const winner = answers.find(({ status }) => status === 201);
    const losers = answers.filter(({ status }) => status === 409);
    for (const { body } of losers) expect(body.errors).toMatchObject([{ pointer: '/sku', id: winner?.body.id }]);
  });

  test('When a category goes while 20 products are created in it, then each is 201 or 422 and none is orphaned', async () => {
    for (let round = 0; round < 5; round++) {
      const category = await make.category();
      const creating = times(20, () => create({ product_name: unique('Late'), category_id: category.id }));
      const removed = service.delete(`/api/categories/${category.id}`);

      const statuses = statusesOf(await creating);

      expect(statuses.filter((status) => status !== 201 && status !== 422)).toEqual([]);
      expect((await removed).status).toBe(200);
      const orphans = await service.database.db.models.product.count({ where: { category_id: category.id } });
      expect(orphans).toBe(0);
    }
  });

  test('When changes of different fields meet, then none is lost and the version counts them', async () => {
    const product = await make.product({ stock: 1 });
    const changes = [{ stock: 500 }, { description: 'new' }, { status: 'archived' }, { sku: 'MEET-1' }, { price: 7 }];

    const answers = await Promise.all(changes.map((change) => service.patch(`/api/products/${product.id}`, change)));

    expect(statusesOf(answers)).toEqual(Array(5).fill(200));
    expect((await service.get(`/api/products/${product.id}`)).body).toMatchObject({
      ...Object.assign({}, ...changes),
      version: 6,
    });
  });

  test('When 20 changes of its tags meet, then the last one holds and no link is left of the others', async () => {
    const product = await make.product();
    const tags = await Promise.all(Array.from({ length: 6 }, () => make.tag()));

    const answers = await times(20, (index) =>
      service.patch(`/api/products/${product.id}`, { tagIds: [tags[index % 6], tags[(index + 1) % 6]] }),
    );

    expect(statusesOf(answers)).toEqual(Array(20).fill(200));
    expect(await make.linksOf(product.id)).toBe(2);
  });

  test('When it is deleted 20 times, then it is deleted once', async () => {
    const product = await make.product({ tagIds: [await make.tag()] });

    const answers = await times(20, () => service.delete(`/api/products/${product.id}`));

    expect(statusesOf(answers)).toEqual([200, ...Array(19).fill(404)]);
  });

  test('When 20 products take a tag that goes, then each is 201 or 422 and no link points nowhere', async () => {
    const { models } = service.database.db;
    for (let round = 0; round < 5; round++) {
      const tag = await make.tag();
      const creating = times(20, () => create({ product_name: unique('Tagged'), tagIds: [tag] }));
      await models.product_tag.destroy({ where: { tag_id: tag } });
      await models.tag.destroy({ where: { id: tag } }).catch(() => undefined);

      const statuses = statusesOf(await creating);

      expect(statuses.filter((status) => status !== 201 && status !== 422)).toEqual([]);
    }
  });
});

describe('rights', () => {
  let catalog: Database;
  beforeAll(() => {
    catalog = connect(service.database.settingsOf('catalog'));
  });
  afterAll(() => catalog.sequelize.close());

  test('When the account of catalog-service renames a tag, then the database refuses', async () => {
    const id = await make.tag();

    const renaming = catalog.models.tag.update({ tag_name: 'hijacked' }, { where: { id } });

    await expect(renaming).rejects.toThrow(/denied/);
  });

  test.each([
    'INSERT INTO tag (tag_name, slug) VALUES ("x", "x")',
    'DELETE FROM tag',
    'UPDATE product_tag SET tag_id = tag_id',
    'UPDATE stock_movement SET delta = 1',
    'DELETE FROM stock_movement',
    'DELETE FROM schema_migration',
    'DROP TABLE product',
    'TRUNCATE TABLE product',
    'ALTER TABLE product ADD COLUMN x INT',
    'CREATE TABLE x (id INT)',
    'DROP DATABASE mysql',
    'SELECT * FROM mysql.user',
    'CREATE USER x',
    "SELECT 1 INTO OUTFILE '/tmp/shop-denied'",
  ])('When the account of catalog-service runs %s, then the database refuses', async (sql) => {
    await expect(catalog.sequelize.query(sql)).rejects.toThrow(/denied/);
  });
});
