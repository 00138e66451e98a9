import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testDatabaseName, testServer } from '@shop/testing/database.ts';
import { connect, type Database, select } from './connection/connection.ts';
import { migrate, migrationNames, pendingMigrations } from './migrate.ts';
import type { DatabaseSettings } from './settings.ts';
import { verifySchema } from './verify.ts';

const run = promisify(execFile);
const root = path.join(import.meta.dirname, '../..');
const created: DatabaseSettings[] = [];

/** Settings of a database that does not exist yet. */
function newDatabase(): DatabaseSettings {
  const settings = { ...testServer(), database: testDatabaseName() };
  created.push(settings);
  return settings;
}

let server: Database;
beforeAll(() => {
  server = connect(testServer());
});
afterAll(async () => {
  for (const { database } of created) await server.sequelize.query(`DROP DATABASE IF EXISTS \`${database}\``);
  await server.sequelize.close();
});

/** Does `work` on a connection to a database. */
async function on<T>(settings: DatabaseSettings, work: (db: Database) => Promise<T>): Promise<T> {
  const db = connect(settings);
  try {
    return await work(db);
  } finally {
    await db.sequelize.close();
  }
}

describe('migrations', () => {
  test('When there is no database, then it is created and every migration runs, in order', async () => {
    const settings = newDatabase();

    expect(await migrate(settings)).toEqual(await migrationNames());
    expect(await on(settings, verifySchema)).toEqual([]);
  });

  test('When they have run already, then none runs again', async () => {
    const settings = newDatabase();
    await migrate(settings);

    expect(await migrate(settings)).toEqual([]);
  });

  test('When each runs a second time, as after a start that was cut off, then nothing breaks', async () => {
    const settings = newDatabase();
    await migrate(settings);
    await on(settings, (db) => db.sequelize.query('DELETE FROM schema_migration'));

    expect(await migrate(settings)).toEqual(await migrationNames());
  });

  test('When ten processes migrate an empty database at once, then each succeeds and each migration ran once', async () => {
    const settings = newDatabase();
    const env = {
      PATH: process.env.PATH,
      ENV_FILE: '',
      DB_HOST: settings.host,
      DB_PORT: String(settings.port),
      DB_NAME: settings.database,
      DB_USER: settings.user,
      DB_PASSWORD: settings.password,
    };

    const outputs = await Promise.all(
      Array.from({ length: 10 }, () => run(process.execPath, ['tools/src/cli/schema.ts'], { cwd: root, env })),
    );

    expect(outputs.filter(({ stdout }) => stdout.includes('was migrated'))).toHaveLength(1);
    expect(outputs.filter(({ stdout }) => stdout.includes('is up to date'))).toHaveLength(9);
    const names = await on(settings, (db) =>
      select<{ name: string }>(db, 'SELECT name FROM schema_migration ORDER BY name'),
    );
    expect(names.map(({ name }) => name)).toEqual(await migrationNames());
  });

  test('When products were there before the ledger, then it begins with what each has, once', async () => {
    const settings = newDatabase();
    await migrate(settings);
    const ledger = await on(settings, async (db) => {
      const fields = ['product_name', 'slug', 'price', 'stock'] as const;
      const rows = [4, 0, 9].map((stock) => ({ product_name: 'Old', slug: `old-${stock}`, price: 1, stock }));
      await db.models.product.bulkCreate(rows, { fields: [...fields] });
      for (let times = 0; times < 2; times++) {
        await db.sequelize.query("DELETE FROM schema_migration WHERE name = '0004-stock-ledger.sql'");
        await migrate(settings);
      }
      return select(db, 'SELECT delta, stock, reason FROM stock_movement ORDER BY id');
    });

    expect(ledger).toEqual([
      { delta: 4, stock: 4, reason: 'opening stock' },
      { delta: 9, stock: 9, reason: 'opening stock' },
    ]);
  });

  test('When a migration has not run, then the database is not accepted, and it is named', async () => {
    const settings = newDatabase();
    await migrate(settings);
    const [last] = (await migrationNames()).toReversed();
    await on(settings, (db) => db.sequelize.query('DELETE FROM schema_migration WHERE name = $1', { bind: [last] }));

    expect(await on(settings, pendingMigrations)).toEqual([last]);
    await expect(on(settings, verifySchema)).rejects.toThrow(`migration ${last} has not run`);
  });
});
