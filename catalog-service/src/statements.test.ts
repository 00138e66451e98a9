import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { preparedPerConnection } from '@shop/db/connection/prepared-statements.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { type EmbeddedDatabase, startEmbedded } from '@shop/tools/embedded.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

/** Its own: what a server has of prepared statements is counted for all of it. */
let server: EmbeddedDatabase;
let folder: string;
let database: TestDatabase;
let service: TestService;
const connections = 20;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-statements-'));
  server = await startEmbedded({ folder, database: '', durable: false });
  process.env.TEST_DATABASE = JSON.stringify(server.owner);
  database = await createTestDatabase();
});
beforeEach(async () => {
  service = await startTestService(catalogService, { database, poolMax: connections, queueMax: 1_000 });
});
afterEach(() => service.stop());
afterAll(async () => {
  await database.drop();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A count that the server keeps. It is asked in words that nobody else uses, so that this is no prepared statement itself. */
let asked = 0;
async function statusOf(name: string): Promise<number> {
  asked += 1;
  const [row] = await select<{ Value: string }>(
    database.db,
    `SHOW GLOBAL STATUS WHERE Variable_name = '${name}' -- ${asked}`,
  );
  return Number(row?.Value);
}
const openStatements = () => statusOf('Prepared_stmt_count');
const roomFor = (count: number) => database.db.sequelize.query(`SET GLOBAL max_prepared_stmt_count = ${count}`);

const filters = ['id_gte=1', 'price_lte=9', 'stock_ne=3', 'status=active', 'product_name_like=a', 'sku=x', 'version=1'];
const sorts = ['id', 'price', 'stock', 'product_name', 'status', 'created_at', 'sku', 'version', 'updated_at', 'slug'];

/** Every combination of these filters, two sort keys and a few lengths: more statements than there are numbers below 25,000. */
function pathOf(number: number): string {
  const chosen = filters.filter((_, index) => (number >> index) & 1);
  const [first, second] = [number % 10, Math.floor(number / 10) % 10];
  const order = [...new Set([sorts[first], sorts[second]])].join(',');
  const ids = Array.from({ length: number % 3 }, (_, index) => `id=${index + 1}`);
  return `/api/products?${[...chosen, ...ids, `_sort=${order}`, `_limit=${1 + (number % 250)}`].join('&')}`;
}

/** Asks for `count` different lists, each `times` at once, and says which statuses were answered. */
async function askFor(first: number, count: number, times: number): Promise<number[]> {
  const statuses = new Set<number>();
  for (let number = first; number < first + count; number += 10) {
    const answers = await atOnce(10 * times, (index) => service.get(pathOf(number + (index % 10))));
    for (const { status } of answers) statuses.add(status);
  }
  return [...statuses];
}

describe('the prepared statements of a server', () => {
  test('When there are more kinds of lists than a server takes statements, then few are prepared', async () => {
    expect(await askFor(0, 1_000, 2)).toEqual([200]);
    expect(await askFor(0, 50, 6)).toEqual([200]);

    const open = await openStatements();
    expect(open).toBeGreaterThan(0);
    expect(open).toBeLessThanOrEqual(connections * preparedPerConnection(connections));
  });

  test('When the server takes no more of them, then reads and writes are done, and the service is ready', async () => {
    const product = await rowsIn(service).product();
    const readAndWrite = async (): Promise<number[]> => {
      const read = await service.get(`/api/products/${product.id}`);
      const write = await service.put(`/api/products/${product.id}`, {
        stock: read.body.stock + 1,
        version: read.body.version,
      });
      expect(write.body.stock).toBe(read.body.stock + 1);
      return [read.status, write.status, (await service.get('/health/ready')).status];
    };
    await roomFor(5);
    const prepared = await statusOf('Com_stmt_prepare');
    const statuses = new Set(await readAndWrite());
    for (let round = 0; round < 5; round++) {
      const many = atOnce(100, () => service.get(`/api/products/${product.id}`));
      for (const status of await readAndWrite()) statuses.add(status);
      for (const status of await askFor(2_000 + 20 * round, 20, 4)) statuses.add(status);
      for (const { status } of await many) statuses.add(status);
    }
    expect([...statuses]).toEqual([200]);
    // What was open was given back when there was no room for more.
    expect((await statusOf('Com_stmt_prepare')) - prepared).toBeGreaterThan(0);
    expect(await openStatements()).toBe(0);

    await roomFor(16_382);
    expect(await readAndWrite()).toEqual([200, 200, 200]);
  });

  test('When a service may not run its statements, then it is not ready', async () => {
    const { user } = database.settingsOf('catalog');
    const change = (what: string) =>
      database.db.sequelize.query(`${what} '${user}'@'%'`.replace('TABLE', `\`${database.owner.database}\`.category`));
    expect((await service.get('/health/ready')).status).toBe(200);
    await change('REVOKE SELECT ON TABLE FROM');

    const { status, body } = await service.get('/health/ready');
    expect([status, body.checks.database.status]).toEqual([503, 'down']);

    await change('GRANT SELECT ON TABLE TO');
    expect((await service.get('/health/ready')).status).toBe(200);
  });
});
