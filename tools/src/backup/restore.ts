import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { type Database, select } from '@shop/db/connection/connection.ts';
import { SchemaError, serverMessage } from '@shop/db/errors.ts';
import { createDatabase, migrationNames, restoreMark, withSchemaLock } from '@shop/db/migrate.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import type * as mysql from 'mysql2';
import { dropTables } from '../reset.ts';
import { type BackupEnd, type BackupHead, readBackup } from './format.ts';

/** The lines of a compressed file. */
async function* linesOf(file: string): AsyncGenerator<string> {
  const unpacked = createGunzip();
  const source = createReadStream(file).on('error', (error) => unpacked.destroy(error));
  source.pipe(unpacked).setEncoding('utf8');
  let rest = '';
  for await (const text of unpacked as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/**
 * Reads a backup to its end, and touches no database.
 * @throws {SchemaError} when it is cut off, changed, or of a newer release
 */
export async function checkBackup(file: string): Promise<{ head: BackupHead; end: BackupEnd }> {
  const { head, end } = await readBackup(linesOf(file));
  const known = new Set(await migrationNames());
  const newer = head.migrations.filter((name) => !known.has(name));
  if (newer.length > 0) {
    throw new SchemaError(
      `This backup is of a newer release, which has the migration ${newer[0]}. Nothing was changed.`,
    );
  }
  return { head, end };
}

/** Empties a database for a restore, if that may be done. */
async function makeRoom(owner: DatabaseSettings, db: Database, force: boolean): Promise<void> {
  const tables = await select<{ name: string }>(
    db,
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  );
  const isCutOff = tables.some(({ name }) => name === restoreMark);
  if (tables.length > 0 && !force && !isCutOff) {
    throw new SchemaError(
      `The database ${owner.database} is not empty. Restore into another one (--database NAME), or replace it (--force). Nothing was changed.`,
    );
  }
  await dropTables(owner);
  await db.sequelize.query(`CREATE TABLE ${restoreMark} (started INT PRIMARY KEY)`);
}

/**
 * Restores a backup that {@link checkBackup} has accepted. As long as it runs, and when it is cut off, the database says so and
 * nothing else takes it; the next run begins anew.
 * @param options.force replaces what is in the database
 * @param options.onRows is told how many rows are in
 * @returns false when the signal came before the end
 */
export async function restoreBackup(
  owner: DatabaseSettings,
  file: string,
  { force, signal, onRows }: { force: boolean; signal: AbortSignal; onRows: (rows: number) => void },
): Promise<boolean> {
  await createDatabase(owner);
  return withSchemaLock(owner, async (db) => {
    await makeRoom(owner, db, force);
    const whole = await runAll(db, file, signal, onRows);
    if (whole) await db.sequelize.query(`DROP TABLE ${restoreMark}`);
    return whole;
  });
}

/** Runs the statements of a backup as they are. @returns false when the signal came before the end */
async function runAll(
  db: Database,
  file: string,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): Promise<boolean> {
  const { connectionManager } = db.sequelize;
  const connection = (await connectionManager.getConnection({ type: 'write' })) as mysql.Connection;
  let [rows, statement] = [0, ''];
  try {
    for await (const line of linesOf(file)) {
      if (signal.aborted) return false;
      if (line.startsWith('--')) continue;
      statement = line;
      const [result] = await connection.promise().query(line);
      if (line.startsWith('INSERT')) rows += (result as mysql.ResultSetHeader).affectedRows;
      onRows(rows);
    }
    return true;
  } catch (error) {
    throw new SchemaError(
      `The restore failed at "${statement.slice(0, 60)}…": ${serverMessage(error)}. The database is incomplete; nothing else takes it.`,
    );
  } finally {
    connectionManager.releaseConnection(connection);
  }
}
