import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type Database, select } from '../connection/connection.ts';
import { hasErrno } from '../errors.ts';
import { createTableSql, parseTable, quoted, type TableDefinition } from './table-definition.ts';

/** Where the schema of this release is written down. */
export const snapshotFile = path.join(import.meta.dirname, '../../schema.sql');

const head = `-- The schema that all migrations together make, in a spelling that MySQL and MariaDB share. Services compare their database
-- with it. Nothing runs this file, and nobody edits it: "npm run db:snapshot" writes it, and a test fails while it is old.
`;

/** Tables as the text of the snapshot. */
export const renderSnapshot = (tables: TableDefinition[]): string =>
  [head, ...tables.map((table) => `${createTableSql(table)};\n`)].join('\n');

/** The tables of a snapshot's text. */
export const parseSnapshot = (text: string): TableDefinition[] =>
  [...text.matchAll(/^CREATE TABLE [\s\S]*?^\)[^\n]*;$/gm)].map(([sql]) => parseTable(sql));

let expected: Promise<TableDefinition[]> | undefined;

/** The tables that this release expects. */
export function expectedTables(): Promise<TableDefinition[]> {
  expected ??= readFile(snapshotFile, 'utf8').then(parseSnapshot);
  return expected;
}

/**
 * What a database has in place of a table: it, nothing, or something that this account may not see. (An account with any
 * right to read a table sees all of it so, where information_schema would hide its constraints.)
 */
export async function readTable(db: Database, name: string): Promise<TableDefinition | 'missing' | 'hidden'> {
  try {
    const [rows] = await db.sequelize.query(`SHOW CREATE TABLE ${quoted(name)}`);
    const sql = (rows as Record<string, string>[])[0]?.['Create Table'];
    // A view is no table.
    return sql === undefined ? 'missing' : parseTable(sql);
  } catch (error) {
    if (hasErrno(error, 'noSuchTable')) return 'missing';
    if (hasErrno(error, 'tableAccessDenied')) return 'hidden';
    throw error;
  }
}

/** All tables of a database, by name. For its owner, who sees them all. */
export async function readTables(db: Database): Promise<TableDefinition[]> {
  const rows = await select<{ name: string }>(
    db,
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
  );
  // Sorted here: the servers do not sort alike.
  const names = rows.map(({ name }) => name).sort();
  const tables = await Promise.all(names.map((name) => readTable(db, name)));
  return tables.filter((table) => typeof table === 'object');
}
