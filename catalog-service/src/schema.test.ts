import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { restoreIndexes } from '@shop/db/schema/repair.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';

let database: TestDatabase;
let service: TestService;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(() => service.stop());
afterAll(() => database.drop());

const ready = () => service.get('/health/ready');

/** Waits until the service says that it is ready, or not. */
async function untilReady(status: 200 | 503) {
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const response = await ready();
    if (response.status === status) return response.body.checks.schema;
    await delay(20);
  }
  throw new Error(`it never said ${status}`);
}

const run = (sql: string) => database.db.sequelize.query(sql);

describe('a database that lacks something', () => {
  test.each([
    ['products', 'product_search.product_search_terms', 'ALTER TABLE product_search DROP INDEX product_search_terms'],
    [
      'categories',
      'category_search.category_search_terms',
      'ALTER TABLE category_search DROP INDEX category_search_terms',
    ],
  ])(
    'When the full-text index of %s goes while the service runs, then searches are 503, and it is not ready until the index is back',
    async (resource, index, sql) => {
      service = await startTestService(catalogService, { database });
      await run(sql);

      const search = await service.get(`/api/${resource}?q=word`);
      const down = await untilReady(503);
      await restoreIndexes(database.owner);
      await untilReady(200);

      expect(search).toMatchObject({ status: 503, body: { code: 'unavailable' } });
      expect(down).toEqual({
        status: 'down',
        reason: `The database differs from this release: full-text index ${index} is missing.`,
      });
      expect((await service.get(`/api/${resource}?q=word`)).status).toBe(200);
    },
  );

  test('When an index goes that a statement names, then requests that need it are 503, and it is not ready', async () => {
    service = await startTestService(catalogService, { database });
    await service.post('/api/categories', { category_name: 'A' });
    await run('ALTER TABLE product DROP INDEX product_in_category');

    const { status, body } = await service.get('/api/categories');
    const { reason } = await untilReady(503);
    await restoreIndexes(database.owner);
    await untilReady(200);

    expect([status, body.code]).toEqual([503, 'unavailable']);
    expect(reason).toContain('index product.product_in_category is missing');
  });

  test('When a unique index is missing at its start, then it takes no request, says which, and logs the statement', async () => {
    await run('ALTER TABLE product DROP INDEX product_slug');
    service = await startTestService(catalogService, { database, verified: false });
    for (let attempt = 0; attempt < 1_000 && service.lines.length === 0; attempt++) await delay(20);

    const { reason } = await untilReady(503);
    const write = await service.post('/api/products', { product_name: 'A', price: 1 });
    const [line] = service.lines;
    await run('ALTER TABLE product ADD UNIQUE INDEX product_slug (slug)');
    await untilReady(200);

    expect(reason).toBe('The database differs from this release: unique index product.product_slug is missing.');
    expect(write).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(line).toMatchObject({
      level: 'error',
      msg: expect.stringContaining('(ALTER TABLE `product` ADD UNIQUE KEY `product_slug` (`slug`);)'),
    });
  });

  test('When an index for speed is missing at its start, then it warns with the statement, and serves', async () => {
    await run('ALTER TABLE product DROP INDEX product_by_name');
    service = await startTestService(catalogService, { database, verified: false });

    await untilReady(200);
    await restoreIndexes(database.owner);

    expect(service.lines[0]).toMatchObject({
      level: 'warn',
      msg: expect.stringContaining('index product.product_by_name is missing'),
      differences: [
        {
          what: 'index product.product_by_name is missing',
          statements: ['ALTER TABLE `product` ADD KEY `product_by_name` (`product_name`)'],
        },
      ],
    });
  });
});
