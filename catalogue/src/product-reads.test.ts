import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, type Database, type Transaction } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';
import { insertRows } from '@shop/db/insert-rows.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import type * as mysql from 'mysql2';
import { embeddedProducts, productCounts, productsOf } from './product-reads.ts';

/** More than the head of the index by far. */
const many = 3_000;

let database: TestDatabase;
let db: Database;
const statements: string[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  db = connect(database.owner, { onStatement: (sql) => statements.push(sql) });
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
  await inTransaction(database.db, async (transaction) => {
    const insert = (table: string, columns: string[], rows: unknown[][]) =>
      insertRows(database.db, transaction, table, columns, rows);
    await insert(
      'category',
      ['id', 'category_name', 'slug'],
      numbers(250).map((id) => [id, `c${id}`, `c${id}`]),
    );
    await insert(
      'tag',
      ['id', 'tag_name', 'slug'],
      numbers(250).map((id) => [id, `t${id}`, `t${id}`]),
    );
    const products = numbers(many + 500).map((id) => [id, `p${id}`, `p${id}`, 1, id <= many ? 1 : 1 + (id % 250)]);
    await insert('product', ['id', 'product_name', 'slug', 'price', 'category_id'], products);
    const links = numbers(many + 500).map((id) => [id, id <= many ? 1 : 1 + (id % 250)]);
    await insert('product_tag', ['product_id', 'tag_id'], links);
  });
  await database.db.sequelize.query('ANALYZE TABLE product, product_tag');
});
afterAll(async () => {
  await db.sequelize.close();
  await database.drop();
});

const parents = (ids: number[]) => ids.map((id) => ({ id, bytes: 0 }));

/** How many entries of indexes and rows a read goes through. */
const readsOf = (read: (transaction: Transaction) => Promise<unknown>): Promise<number> =>
  inTransaction(db, async (transaction) => {
    const { connection } = transaction as Transaction & { connection: mysql.Connection };
    const readSoFar = async () => {
      const [rows] = await connection
        .promise()
        .query<mysql.RowDataPacket[]>("SHOW SESSION STATUS LIKE 'Handler_read%'");
      return rows.reduce((sum, row) => sum + Number(row.Value), 0);
    };
    const before = await readSoFar();
    await read(transaction);
    return (await readSoFar()) - before;
  });

test.each(['category', 'tag'] as const)(
  'When products are embedded in a %s that has thousands, then only the head of its index is read',
  async (parent) => {
    const found = await productsOf(db, parent, parents([1, 2]));
    const reads = await readsOf((transaction) => productsOf(db, parent, parents([1, 2]), transaction));

    expect(found[0]?.products.map(({ id }) => id)).toEqual(
      Array.from({ length: embeddedProducts }, (_, index) => index + 1),
    );
    expect(found[1]?.products.map(({ id }) => id)).toEqual([3001, 3251]);
    expect(reads).toBeLessThan(many / 5);
  },
);

test.each(['category', 'tag'] as const)(
  'When products are embedded in any number of %s rows, then the statements are few, and small',
  async (parent) => {
    statements.length = 0;
    for (let count = 1; count <= 250; count++) {
      const ids = Array.from({ length: count }, (_, index) => index + 1);
      await productsOf(db, parent, parents(ids));
      await productCounts(db, parent, ids);
    }
    const shapes = new Set(statements);

    // For each list of up to 250: powers of two.
    expect(shapes.size).toBeLessThanOrEqual(3 * 11);
    expect(Math.max(...statements.map((sql) => sql.length))).toBeLessThan(10_000);
  },
);
