import { createHash } from 'node:crypto';
import { connect, type Database, select } from '@shop/db/connection/connection.ts';
import { SchemaError } from '@shop/db/errors.ts';
import { readTables } from '@shop/db/schema/snapshot.ts';
import { constraintSql, createTableSql, quoted, type TableDefinition } from '@shop/db/schema/table-definition.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import * as mysql from 'mysql2';
import { addLine, endLine, headLine } from './format.ts';

/** Characters after which an INSERT takes no further row. */
const statementLength = 2 ** 18;

/** A value as SQL, from the bytes that the server sent for it. */
function literal(type: string, value: Buffer | null): string {
  if (value === null) return 'NULL';
  if (/^(?:\w*int|decimal|float|double|year)\b/.test(type)) return value.toString('latin1');
  if (/^(?:\w*binary|\w*blob|bit)\b/.test(type)) return value.length === 0 ? "''" : `0x${value.toString('hex')}`;
  return mysql.escape(value.toString('utf8'));
}

/** The rows of a table as INSERTs, and how many rows each has. The rows come one by one: no table has to fit into memory. */
async function* inserts(db: Database, table: TableDefinition): AsyncGenerator<{ sql: string; rows: number }> {
  const columns = [...table.columns].filter(([, definition]) => !definition.includes('GENERATED ALWAYS'));
  const names = columns.map(([name]) => quoted(name)).join(', ');
  const key = table.indexes.get('PRIMARY')?.columns.join(', ');
  const start = `INSERT INTO ${quoted(table.name)} (${names}) VALUES `;
  const { connectionManager } = db.sequelize;
  const connection = (await connectionManager.getConnection({ type: 'read' })) as mysql.Connection;
  let [sql, rows] = ['', 0];
  try {
    const stream = connection
      .query({
        sql: `SELECT ${names} FROM ${quoted(table.name)}${key === undefined ? '' : ` ORDER BY ${key}`}`,
        rowsAsArray: true,
        typeCast: false,
      })
      .stream({ highWaterMark: 100 });
    for await (const row of stream as AsyncIterable<(Buffer | null)[]>) {
      const values = row.map((value, index) => literal(columns[index]?.[1] ?? '', value));
      sql += `${rows === 0 ? start : ','}(${values.join(',')})`;
      rows += 1;
      if (sql.length < statementLength) continue;
      yield { sql, rows };
      [sql, rows] = ['', 0];
    }
    if (rows > 0) yield { sql, rows };
  } finally {
    connectionManager.releaseConnection(connection);
  }
}

/** What comes once the rows are in: it is faster so, and no table has to come before another. */
function* finish(table: TableDefinition): Generator<string> {
  const alter = `ALTER TABLE ${quoted(table.name)}`;
  for (const { kind, sql } of table.indexes.values()) if (kind === 'FULLTEXT KEY') yield `${alter} ADD ${sql}`;
  if (table.autoIncrement !== undefined) yield `${alter} AUTO_INCREMENT = ${table.autoIncrement}`;
}

function* foreignKeys(table: TableDefinition): Generator<string> {
  for (const [name, constraint] of table.constraints) {
    if (constraint.kind === 'FOREIGN KEY')
      yield `ALTER TABLE ${quoted(table.name)} ADD ${constraintSql(name, constraint)}`;
  }
}

/** What this keeps no copy of. The shop has none of these; somebody may have made them. */
async function refuseOthers(db: Database): Promise<void> {
  const [others] = await select<{ names: string | null }>(
    db,
    `SELECT GROUP_CONCAT(name SEPARATOR ', ') AS names FROM (
       SELECT CONCAT('view ', table_name) AS name FROM information_schema.views WHERE table_schema = DATABASE()
       UNION ALL SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers WHERE trigger_schema = DATABASE()
       UNION ALL SELECT CONCAT('routine ', routine_name) FROM information_schema.routines WHERE routine_schema = DATABASE()
       UNION ALL SELECT CONCAT('event ', event_name) FROM information_schema.events WHERE event_schema = DATABASE()
     ) AS others`,
  );
  if (others?.names) {
    throw new SchemaError(
      `A backup holds tables alone, and this database has others: ${others.names}. Nothing was written.`,
    );
  }
}

/** Everything that a backup says, from one moment of the database, while others write. */
export interface Dump {
  /** How many rows there are in all. */
  rows: number;
  /** Its lines; `rows` are those that a line holds. */
  lines: AsyncGenerator<{ line: string; rows: number }>;
}

/**
 * Reads a database for a backup.
 * @param use is given the lines; when it is done, so is the transaction that they come from
 * @throws {SchemaError} when there is something that a backup could not hold
 */
export async function withDump<T>(owner: DatabaseSettings, use: (dump: Dump) => Promise<T>): Promise<T> {
  const db = connect({ ...owner, poolMax: 1 });
  try {
    await refuseOthers(db);
    const [server] = await select<{ version: string }>(db, 'SELECT VERSION() AS version');
    await db.sequelize.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
    await db.sequelize.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
    const taken = new Date().toISOString();
    const tables = await readTables(db);
    const counts: number[] = [];
    // A table that was asked for cannot be altered before the transaction ends.
    for (const { name } of tables) {
      const [row] = await select<{ count: number }>(db, `SELECT COUNT(*) AS count FROM ${quoted(name)}`);
      counts.push(Number(row?.count));
    }
    const migrations = await select<{ name: string }>(db, 'SELECT name FROM schema_migration ORDER BY name');
    const head = headLine({
      version: 1,
      database: owner.database,
      server: server?.version ?? '',
      taken,
      migrations: migrations.map(({ name }) => name),
    });
    const rows = counts.reduce((sum, count) => sum + count, 0);
    return await use({ rows, lines: withEnd(head, statements(db, tables), rows) });
  } finally {
    await db.sequelize.close();
  }
}

async function* statements(db: Database, tables: TableDefinition[]): AsyncGenerator<{ sql: string; rows: number }> {
  // A session of any client is to write what this one has read.
  yield {
    sql: "SET NAMES utf8mb4, time_zone = '+00:00', foreign_key_checks = 1",
    rows: 0,
  };
  yield { sql: "SET sql_mode = 'STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION'", rows: 0 };
  // Which migrations have run comes last: a database that lacks it is not taken for a whole one.
  const ordered = [...tables].sort(
    (one, other) => Number(one.name === 'schema_migration') - Number(other.name === 'schema_migration'),
  );
  const last = ordered.at(-1);
  for (const table of ordered) {
    if (table === last) for (const each of ordered) for (const sql of foreignKeys(each)) yield { sql, rows: 0 };
    yield { sql: createTableSql(table, { foreignKeys: false, fullText: false }).replaceAll(/\n\s*/g, ' '), rows: 0 };
    yield* inserts(db, table);
    for (const sql of finish(table)) yield { sql, rows: 0 };
  }
}

async function* withEnd(
  head: string,
  given: AsyncGenerator<{ sql: string; rows: number }>,
  expected: number,
): AsyncGenerator<{ line: string; rows: number }> {
  const hash = addLine(createHash('sha256'), head);
  yield { line: head, rows: 0 };
  let written = 0;
  for await (const { sql, rows } of given) {
    const line = `${sql};`;
    addLine(hash, line);
    written += rows;
    yield { line, rows };
  }
  if (written !== expected) throw new Error(`${written} rows were read, and ${expected} were counted`);
  yield { line: endLine({ rows: written, sha256: hash.digest('hex') }), rows: 0 };
}
