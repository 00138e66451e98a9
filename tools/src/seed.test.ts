import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { moveStock } from '@shop/catalogue/stock-ledger.ts';
import { select } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { isEmpty, seed } from './seed.ts';

const databases: TestDatabase[] = [];
let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
  databases.push(database);
});
afterAll(async () => {
  for (const one of databases) await one.drop();
});

/** Everything that the catalogue holds, times included. */
const content = async () => ({
  categories: await select(database.db, 'SELECT * FROM category ORDER BY id'),
  products: await select(database.db, 'SELECT * FROM product ORDER BY id'),
  tags: await select(database.db, 'SELECT * FROM tag ORDER BY id'),
  links: await select(database.db, 'SELECT product_id, tag_id FROM product_tag ORDER BY product_id, tag_id'),
  movements: await select(database.db, 'SELECT * FROM stock_movement ORDER BY id'),
});

describe('the seed data', () => {
  test('When they are put into an empty database, then they are the classic rows', async () => {
    expect(await isEmpty(database.owner)).toBe(true);

    await seed(database.owner);

    expect(await isEmpty(database.owner)).toBe(false);
    const { categories, products, tags, links } = await content();
    expect(categories.map((row) => [Reflect.get(row, 'id'), Reflect.get(row, 'category_name')])).toEqual([
      [1, 'Shirts'],
      [2, 'Shorts'],
      [3, 'Music'],
      [4, 'Hats'],
      [5, 'Shoes'],
    ]);
    const product = ['id', 'product_name', 'price', 'stock', 'category_id'] as const;
    expect(products.map((row) => product.map((column) => Reflect.get(row, column)))).toEqual([
      [1, 'Plain T-Shirt', 14.99, 14, 1],
      [2, 'Running Sneakers', 90, 25, 5],
      [3, 'Branded Baseball Hat', 22.99, 12, 4],
      [4, 'Top 40 Music Compilation Vinyl Record', 12.99, 50, 3],
      [5, 'Cargo Shorts', 29.99, 22, 2],
    ]);
    expect(tags.map((row) => Reflect.get(row, 'tag_name'))).toEqual([
      'rock music',
      'pop music',
      'blue',
      'red',
      'green',
      'white',
      'gold',
      'pop culture',
    ]);
    expect(links.map((row) => [Reflect.get(row, 'product_id'), Reflect.get(row, 'tag_id')])).toEqual([
      [1, 6],
      [1, 7],
      [1, 8],
      [2, 6],
      [3, 1],
      [3, 3],
      [3, 4],
      [3, 5],
      [4, 1],
      [4, 2],
      [4, 8],
      [5, 3],
    ]);
  });

  test('When they are restored twice, then the second time changes nothing, not even a version', async () => {
    await seed(database.owner);
    const first = await content();

    await seed(database.owner);

    expect(await content()).toEqual(first);
  });

  test('When seed rows were changed and deleted, then they are as before, and rows that were added stay', async () => {
    await seed(database.owner);
    const { db } = database;
    const { product, tag, product_tag } = db.models;
    await product.update({ product_name: 'plain t-shirt', price: 1, category_id: null }, { where: { id: 1 } });
    await product_tag.destroy({ where: { tag_id: 3 } });
    await tag.destroy({ where: { id: 3 } });
    const own = await product.create(
      { product_name: 'Mine', slug: 'mine', price: 5 },
      { fields: ['product_name', 'slug', 'price'] },
    );
    await product_tag.create({ product_id: Number(own.get('id')), tag_id: 1 });

    await seed(database.owner);

    const { products, tags, links } = await content();
    expect(products[0]).toMatchObject({ product_name: 'Plain T-Shirt', price: 14.99, category_id: 1, version: 2 });
    expect(products[4]).toMatchObject({ product_name: 'Cargo Shorts', version: 2 });
    expect(products[5]).toMatchObject({ product_name: 'Mine', version: 1 });
    expect(tags[2]).toMatchObject({ id: 3, tag_name: 'blue' });
    expect(links).toContainEqual({ product_id: 5, tag_id: 3 });
    expect(links).toContainEqual({ product_id: own.get('id'), tag_id: 1 });
  });

  test('When seed rows have been sold, deleted and restored, then their ledgers still add up to their stock', async () => {
    await seed(database.owner);
    const { db } = database;
    await inTransaction(db, (transaction) => moveStock(db, transaction, 1, { delta: -3, reason: 'order 1' }));
    await db.models.product.destroy({ where: { id: 2 } });

    await seed(database.owner);

    const ledger = await select(
      db,
      'SELECT product_id, delta, stock, reason FROM stock_movement WHERE product_id <= 3 ORDER BY product_id, id',
    );
    expect(ledger).toEqual([
      { product_id: 1, delta: 14, stock: 14, reason: 'seed data' },
      { product_id: 1, delta: -3, stock: 11, reason: 'order 1' },
      { product_id: 1, delta: 3, stock: 14, reason: 'seed data' },
      { product_id: 2, delta: 25, stock: 25, reason: 'seed data' },
      { product_id: 3, delta: 12, stock: 12, reason: 'seed data' },
    ]);
  });

  test('When a row that was added holds a name that a seed row needs, then it is refused and nothing changes', async () => {
    await seed(database.owner);
    const { product_tag, tag } = database.db.models;
    await product_tag.destroy({ where: { tag_id: 3 } });
    await tag.update({ tag_name: 'azure' }, { where: { id: 3 } });
    await tag.create({ tag_name: 'Blue', slug: 'my-blue' }, { fields: ['tag_name', 'slug'] });
    const before = await content();

    await expect(seed(database.owner)).rejects.toThrow(/another row holds "blue"/i);
    expect(await content()).toEqual(before);
  });
});
