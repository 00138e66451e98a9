import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Umzug, type UmzugStorage } from 'umzug';
import { connect, type Database, select } from './connection/connection.ts';
import { contradictsSchema, hasErrno, SchemaError } from './errors.ts';
import { fillSearchText } from './search/search-text.ts';
import type { DatabaseSettings } from './settings.ts';

const folder = path.join(import.meta.dirname, '../migrations');

/** Seconds that a process waits for another one that is migrating. */
const lockSeconds = 120;

/** A table that is there while a restore is not complete. */
export const restoreMark = 'restore_in_progress';

/** The names of all migrations of this release, in order. */
export async function migrationNames(): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
}

/**
 * Creates the database if it is not there. Where the account may not, the database has to be.
 */
export async function createDatabase(settings: DatabaseSettings): Promise<void> {
  const existing = connect(settings);
  try {
    await select(existing, 'SELECT 1');
    return;
  } catch (error) {
    if (!hasErrno(error, 'unknownDatabase') && !hasErrno(error, 'accessDeniedToDatabase')) throw error;
  } finally {
    await existing.sequelize.close();
  }
  const server = connect({ ...settings, database: '' });
  try {
    await server.sequelize.query(
      `CREATE DATABASE IF NOT EXISTS \`${settings.database}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`,
    );
  } catch (error) {
    if (hasErrno(error, 'accessDeniedToDatabase')) {
      throw new SchemaError(
        `The database "${settings.database}" does not exist and the account "${settings.user}" may not create it.`,
      );
    }
    throw error;
  } finally {
    await server.sequelize.close();
  }
}

/**
 * Does `work` on one connection, under a server-wide lock that every process takes which changes the schema of this database. The
 * lock ends with the connection, whatever happens.
 * @throws {SchemaError} when another process does not come to its end
 */
export async function withSchemaLock<T>(settings: DatabaseSettings, work: (db: Database) => Promise<T>): Promise<T> {
  const db = connect({ ...settings, poolMax: 1 }, { multipleStatements: true });
  const lock = `migrate:${createHash('sha256').update(settings.database).digest('hex').slice(0, 32)}`;
  try {
    const [row] = await select<{ locked: number | null }>(db, `SELECT GET_LOCK($1, ${lockSeconds}) AS locked`, [lock]);
    if (row?.locked !== 1) throw new SchemaError(`Another process has been migrating for ${lockSeconds} seconds.`);
    const result = await work(db);
    await select(db, 'SELECT RELEASE_LOCK($1) AS released', [lock]);
    return result;
  } finally {
    await db.sequelize.close();
  }
}

/**
 * Brings the database to this release: creates it, and runs the migrations that it does not have yet, in order. Any number of
 * processes may do this at once. Then it makes searchable what is not so yet.
 * @param onProgress is told how many rows are searchable by now, of how many that were not
 * @returns the names of the migrations that this call ran
 */
export async function migrate(
  settings: DatabaseSettings,
  onProgress?: (rows: number, total: number) => void,
): Promise<string[]> {
  await createDatabase(settings);
  const ran = await withSchemaLock(settings, async (db) => {
    if ((await select(db, `SHOW TABLES LIKE '${restoreMark}'`)).length > 0) {
      throw new SchemaError(
        `A restore into the database ${settings.database} was cut off, so it is incomplete. Run the restore again, or "npm run db:reset".`,
      );
    }
    const names = await migrations(db).up();
    // Also of rows that came in without the services: by a dump of another release, or by hand.
    await fillSearchText(db, onProgress).catch((error) => {
      // Something is missing that a repair has to make first; whoever compares the schema says what.
      if (!contradictsSchema(error)) throw error;
    });
    return names;
  });
  return ran.map(({ name }) => name);
}

/** The migrations of this release that the database has not had. */
export async function pendingMigrations(db: Database): Promise<string[]> {
  return (await migrations(db).pending()).map(({ name }) => name);
}

function migrations(db: Database): Umzug<object> {
  return new Umzug({
    migrations: async () =>
      (await migrationNames()).map((name) => ({
        name,
        up: async () => {
          await db.sequelize.query(await readFile(path.join(folder, name), 'utf8'));
        },
      })),
    storage: storageIn(db),
    logger: undefined,
  });
}

/** Where it is written which migrations have run. (umzug's own storage would create its table with `sync`.) */
function storageIn(db: Database): UmzugStorage {
  return {
    async logMigration({ name }) {
      await db.sequelize.query('INSERT INTO schema_migration (name) VALUES ($1)', { bind: [name] });
    },
    async unlogMigration({ name }) {
      throw new Error(`migrations go forward only: ${name}`);
    },
    async executed() {
      try {
        const rows = await select<{ name: string }>(db, 'SELECT name FROM schema_migration ORDER BY name');
        return rows.map((row) => row.name);
      } catch (error) {
        if (hasErrno(error, 'noSuchTable')) return [];
        throw error;
      }
    },
  };
}
