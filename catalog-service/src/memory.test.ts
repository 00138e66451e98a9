import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { type EmbeddedDatabase, startEmbedded } from '@shop/tools/embedded.ts';
import { catalogService } from './app.ts';

/** Its own: the limit holds for all sessions that begin after it. */
let server: EmbeddedDatabase;
let folder: string;
let database: TestDatabase;
let service: TestService;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-memory-'));
  server = await startEmbedded({ folder, database: '', durable: false });
  process.env.TEST_DATABASE = JSON.stringify(server.owner);
  database = await createTestDatabase();
  const limit = server.program.startsWith('mariadb') ? 'max_session_mem_used' : 'connection_memory_limit';
  await database.db.sequelize.query(`SET GLOBAL ${limit} = ${2 * 2 ** 20}`);
  service = await startTestService(catalogService, { database, poolMax: 1 });
});
afterAll(async () => {
  await service.stop();
  await database.drop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** About 7 MiB. */
const large = {
  create: Array.from({ length: 110 }, (_, index) => ({
    product_name: `Large ${index}`,
    price: 1,
    description: 'x'.repeat(65_000),
  })),
};

test('When a statement needs more memory than its session may have, then it is 503, nothing is done, and others are served', async () => {
  const refused = await service.post('/api/products/batch', large);
  const made = await service.post('/api/products', { product_name: 'Small', price: 1 });
  const again = await service.post('/api/products/batch', large);
  const read = await service.get(`/api/products/${made.body.id}`);

  for (const { status, headers, body } of [refused, again]) {
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    expect(body.detail).toMatch(/memory/);
  }
  expect([made.status, read.status]).toEqual([201, 200]);
  expect((await service.get('/api/products')).body).toHaveLength(1);
});
