import { once } from 'node:events';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

/** A thread with a connection of its own, which writes while this one stands still. */
const writerSource = `
  const { parentPort, workerData } = require('node:worker_threads');
  const flag = new Int32Array(workerData.flag);
  import(workerData.file).then(async ({ connect }) => {
    const db = connect(workerData.owner, { multipleStatements: true });
    await db.sequelize.query('SELECT 1');
    parentPort.on('message', async (sql) => {
      await db.sequelize.query(sql);
      Atomics.store(flag, 0, 1);
      Atomics.notify(flag, 0);
    });
    parentPort.postMessage('ready');
  });`;

let service: TestService;
let make: ReturnType<typeof rowsIn>;
let writer: Worker;
const flag = new Int32Array(new SharedArrayBuffer(4));
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
  const file = path.join(import.meta.dirname, '../../db/src/connection/connection.ts');
  const workerData = { file, owner: service.database.owner, flag: flag.buffer };
  writer = new Worker(writerSource, { eval: true, workerData });
  await once(writer, 'message');
});
afterAll(async () => {
  await writer.terminate();
  await service.stop();
});

/** Has something written when it returns: nothing is sent meanwhile. */
function writeNow(sql: string): void {
  Atomics.store(flag, 0, 0);
  writer.postMessage(sql);
  Atomics.wait(flag, 0, 0);
}

/** Reads a path while another writes: right before the first statement that is like `pattern` is sent. */
async function readWhileWritten(asked: string, pattern: RegExp, sql: string) {
  const { statements } = service;
  let isWritten = false;
  statements.push = (statement) => {
    if (!isWritten && pattern.test(statement)) {
      isWritten = true;
      writeNow(sql);
    }
    return 0;
  };
  try {
    const answer = await service.get(asked);
    expect(isWritten).toBe(true);
    return answer;
  } finally {
    Reflect.deleteProperty(statements, 'push');
  }
}

test('When a category is deleted while its products are listed, then they show it, or have none', async () => {
  const { id } = await make.category();
  const product = await make.product({ category_id: id });
  const { body } = await readWhileWritten(
    `/api/products?id=${product.id}`,
    /FROM category WHERE/,
    `UPDATE product SET category_id = NULL WHERE category_id = ${id}; DELETE FROM category WHERE id = ${id}`,
  );

  expect(body[0].category?.id ?? null).toBe(body[0].category_id);
});

test.each([['/api/categories/ID'], ['/api/categories?id=ID']])(
  'When a product is put into a category while %s is read, then its number is that of those that are shown',
  async (asked) => {
    const { id } = await make.category();
    await make.product({ category_id: id });
    const other = await make.product();
    const { body } = await readWhileWritten(
      asked.replace('ID', id),
      /COUNT\(\*\)/,
      `UPDATE product SET category_id = ${id} WHERE id = ${other.id}`,
    );

    const [category] = [body].flat();
    expect([category.product_count, category.products.length]).toEqual([1, 1]);
  },
);

test('When a product goes while a page is counted, then the count is that of the list', async () => {
  const product = await make.product({ stock: 77 });
  const { headers, body } = await readWhileWritten(
    '/api/products?stock=77&_count=exact',
    /SELECT COUNT\(\*\) AS count FROM product/,
    `DELETE FROM product WHERE id = ${product.id}`,
  );

  expect([headers.get('x-total-count'), body.length]).toEqual(['1', 1]);
});

test('When a product moves to a new category while the tree is read, then the tree has all products', async () => {
  const { id } = await make.category();
  await make.product({ category_id: id });
  const { body } = await readWhileWritten(
    '/api/categories/tree',
    /GROUP BY category_id/,
    `INSERT INTO category (category_name, slug) VALUES ('new', 'new');
     UPDATE product SET category_id = LAST_INSERT_ID() WHERE category_id = ${id}`,
  );

  const shown = body.filter((node: { id: number; slug: string }) => node.id === id || node.slug === 'new');
  expect(shown.reduce((sum: number, node: { product_count: number }) => sum + node.product_count, 0)).toBe(1);
});

test('When a product changes while facets are counted, then all of them count the same products', async () => {
  const tag = await make.tag();
  const product = await make.product({ sku: 'facets', tagIds: [tag] });
  const { body } = await readWhileWritten(
    '/api/products/facets?sku=facets&status=active',
    /COUNT\(\*\) AS count.* FROM product WHERE/,
    `UPDATE product SET status = 'draft' WHERE id = ${product.id}`,
  );

  const active = body.status.find(({ value }: { value: string }) => value === 'active');
  expect([active.count, body.tag[0]?.count ?? 0]).toEqual([body.total, body.total]);
});

test('When a connection has read a snapshot, then what is written on it sees what others commit meanwhile', async () => {
  const one = await startTestService(catalogService, { database: service.database, poolMax: 1 });
  const { id } = await make.product();
  await one.get('/api/products');
  const { statements } = one;
  statements.push = (statement) => {
    if (/FOR UPDATE/.test(statement)) writeNow(`UPDATE product SET version = 7 WHERE id = ${id}`);
    return 0;
  };
  const category_id = (await make.category()).id;
  // With a key, the first statement of the write is one that takes no lock.
  const headers = { 'Idempotency-Key': 'after-a-snapshot' };
  const { status, body } = await one.put(`/api/products/${id}`, { version: 1, category_id }, { headers });
  await one.stop();

  expect([status, body.current?.version]).toEqual([409, 7]);
});
