import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { migrate } from '@shop/db/migrate.ts';
import { readTables, renderSnapshot } from '@shop/db/schema/snapshot.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { createTestDatabase, type TestDatabase, testDatabaseName } from '@shop/testing/database.ts';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { startCommand } from '@shop/tools/cli/testing.ts';
import { checkIntegrity } from '@shop/tools/integrity.ts';
import { catalogService } from './app.ts';

let folder: string;
let service: TestService;
let database: TestDatabase;
/** A backup of it. */
let file: string;
const made: TestDatabase[] = [];

const backup = (name: string, owner = database.owner) => startCommand('backup', [name], owner).ended;
const restore = (words: string[], owner: DatabaseSettings = database.owner) =>
  startCommand('restore', words, owner).ended;

/** The database of a name, to be looked at and dropped. */
async function openDatabase(name: string): Promise<TestDatabase> {
  const opened = await createTestDatabase(name);
  made.push(opened);
  return opened;
}

/** All that a database holds: its rows, the next ids and its schema. */
async function contentOf(one: TestDatabase) {
  const tables = await readTables(one.db);
  return {
    rows: await allRows(one),
    next: tables.map(({ name, autoIncrement }) => [name, autoIncrement]),
    schema: renderSnapshot(tables),
  };
}

const searches = [
  '/api/products?q=the lord of the rings',
  '/api/products?q=of',
  '/api/categories?q=wörter',
  '/api/products?q=odd',
];

async function found(one: TestService) {
  return Promise.all(searches.map(async (url) => (await one.get(encodeURI(url))).body));
}

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'shop-backup-'));
  service = await startTestService(catalogService);
  database = service.database;
  const { body: category } = await service.post('/api/categories', { category_name: 'Wörter & “quotes”' });
  await service.post('/api/categories', { category_name: 'Child', parent_id: category.id });
  for (const product of [
    { product_name: 'The Lord of the Rings', category_id: category.id, sku: 'LOTR' },
    { product_name: 'Odd \'quoted\' \\ "text"', description: 'a\nb\r\n\tc\u0000d\u001ae 😀 é; -- no comment' },
    {
      product_name: 'Odd JSON',
      metadata: { a: ['\\', "'", { b: null }], ключ: 1.5 },
      image_urls: ['https://example.com/a?b=c'],
    },
    { product_name: 'Odd empty', description: '', status: 'draft' },
    { product_name: 'To be deleted' },
  ]) {
    await service.post(
      '/api/products',
      { price: 12.34, stock: 3, ...product },
      { headers: { 'Idempotency-Key': product.product_name.replaceAll(/\W/g, '') } },
    );
  }
  // The highest id is not to be given again.
  await service.delete('/api/products/5');
  file = path.join(folder, 'shop.sql.gz');
  expect(await backup(file)).toMatchObject({ code: 0 });
});
afterAll(async () => {
  for (const one of made) await one.drop();
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('backup and restore', () => {
  test('When a backup is restored into a new database, then all is as it was, and searches find the same', async () => {
    const name = testDatabaseName();

    const restored = await restore([file, '--database', name]);
    const copy = await openDatabase(name);
    const other = await startTestService(catalogService, { database: copy });
    const [here, there] = [await found(service), await found(other)];
    await other.stop();

    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining(`Restored into ${name}: `) });
    expect(await contentOf(copy)).toEqual(await contentOf(database));
    expect(there).toEqual(here);
    expect(here.map((list) => list.length)).toEqual([1, 1, 1, 3]);
  });

  test('When others write meanwhile, then a backup is of one moment: what belongs together is in it together', async () => {
    const writing = new AbortController();
    const writes = Promise.all(
      [1, 2, 3].map(async (id) => {
        while (!writing.signal.aborted) await service.post(`/api/products/${id}/stock`, { delta: 1 });
      }),
    );
    const busy = path.join(folder, 'busy.sql.gz');
    const written = await backup(busy);
    writing.abort();
    await writes;
    const name = testDatabaseName();
    await restore([busy, '--database', name]);
    const copy = await openDatabase(name);

    const broken: string[] = [];
    for await (const { what, found: count } of checkIntegrity(copy.db)) if (count > 0) broken.push(what);
    expect(written.code).toBe(0);
    expect(broken).toEqual([]);
  });

  test('When it is written to the standard output, then that is the backup, and what it says is elsewhere', async () => {
    const { bytes, stderr } = await backup('-');

    expect(stderr).toContain('Written: ');
    expect(gunzipSync(bytes).toString()).toMatch(/^-- shop backup \{[\s\S]*\n-- complete \{.*\}\n$/);
  });

  test('When a file is there, then no backup replaces it, and others cannot read what is written', async () => {
    expect(await backup(file)).toMatchObject({ code: 1, stderr: expect.stringContaining('is there already') });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  });

  test.each([
    ['is cut off', (whole: Buffer) => whole.subarray(0, whole.length / 2)],
    [
      'lacks its last line',
      (whole: Buffer) =>
        gzipSync(
          gunzipSync(whole)
            .toString()
            .replace(/-- complete .*\n$/, ''),
        ),
    ],
    ['was changed', (whole: Buffer) => gzipSync(gunzipSync(whole).toString().replace('12.34', '92.34'))],
    ['is something else', () => Buffer.from('SELECT 1;\n')],
  ])('When a backup %s, then it is refused before anything is touched', async (_what, spoil) => {
    const spoiled = path.join(folder, 'spoiled.sql.gz');
    await writeFile(spoiled, spoil(await readFile(file)));
    const before = await contentOf(database);

    const { code, stderr } = await restore([spoiled, '--force']);

    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^restore: This is no complete backup: .*\. Nothing was changed\.\n$/),
    });
    expect(await contentOf(database)).toEqual(before);
  });

  test('When the database is not empty, then nothing is restored into it but with --force, which replaces it', async () => {
    const name = testDatabaseName();
    const own = await openDatabase(name);
    await own.db.sequelize.query("INSERT INTO tag (tag_name, slug) VALUES ('mine', 'mine')");

    const refused = await restore([file, '--database', name]);
    const forced = await restore([file, '--database', name, '--force']);

    expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/is not empty.*Nothing was changed/) });
    expect(forced.code).toBe(0);
    expect((await allRows(own)).tag).toEqual([]);
  });

  test('When a restore was cut off, then nothing takes the database, and the next restore begins anew', async () => {
    const name = testDatabaseName();
    const own = await openDatabase(name);
    await own.db.sequelize.query('CREATE TABLE restore_in_progress (started INT PRIMARY KEY)');

    const refused = migrate(own.owner);
    await expect(refused).rejects.toThrow('was cut off');
    const again = await restore([file, '--database', name]);

    expect(again.code).toBe(0);
    expect(await migrate(own.owner)).toEqual([]);
  });

  test('When the backup is of a newer release, then it is refused', async () => {
    const newer = path.join(folder, 'newer.sql.gz');
    await database.db.sequelize.query("INSERT INTO schema_migration (name) VALUES ('9999-newer.sql')");
    await backup(newer);
    await database.db.sequelize.query("DELETE FROM schema_migration WHERE name = '9999-newer.sql'");

    expect(await restore([newer, '--force'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('newer release, which has the migration 9999-newer.sql'),
    });
  });
});
