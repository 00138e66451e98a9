import type { Database } from '../connection/connection.ts';
import { expectedTables, readTable } from './snapshot.ts';
import {
  constraintSql,
  createTableSql,
  type IndexDefinition,
  quoted,
  type TableDefinition,
} from './table-definition.ts';

/**
 * When a repair may come: tables, columns and keys first, without which the data cannot be checked; then indexes, which no
 * row can be in the way of; the rules that rows may break last, when the data have been repaired. What is `never` repaired
 * might be another's.
 */
export type RepairStage = 'structure' | 'index' | 'rule' | 'never';

/** Something in which a database is not as this release expects it. */
export interface Difference {
  /** Such as `unique index tag.tag_slug is missing`. */
  what: string;
  /** What mends it, in order. */
  statements: string[];
  stage: RepairStage;
  /** Whether requests would fail, or data be lost to a rule that does not hold; otherwise it costs time. */
  blocking: boolean;
  /** A SELECT of the keys of some rows that are in the way of it, with the table as `child`. */
  inTheWay?: string;
  /** A table that has to be empty for it, because its rows would need values that nobody knows. */
  needsEmpty?: string;
}

/** The plain indexes that statements name (`FORCE INDEX`): without them, these statements fail. A test finds them. */
export const namedIndexes = new Set(['product_in_category']);

const nouns: Record<IndexDefinition['kind'], string> = {
  'PRIMARY KEY': 'primary key',
  'UNIQUE KEY': 'unique index',
  'FULLTEXT KEY': 'full-text index',
  'SPATIAL KEY': 'spatial index',
  KEY: 'index',
};

const missingOr = (actual: string | undefined, expected: string): string =>
  actual === undefined ? 'is missing' : `is "${actual}", not "${expected}"`;

/** The rows of a table that meet a condition, by their primary keys. */
const rowsThat = (table: TableDefinition, condition: string): string => {
  const key = table.indexes.get('PRIMARY')?.columns ?? ['*'];
  return `SELECT ${key.map((column) => `child.${column}`).join(', ')} FROM ${quoted(table.name)} AS child WHERE ${condition} LIMIT 6`;
};

const isFilled = (column: string): boolean =>
  !column.includes('NOT NULL') || /\b(?:DEFAULT|GENERATED|AUTO_INCREMENT)\b/.test(column);

/** Columns and the primary key, which has to come in one statement with a column that counts up. */
function* columnDifferences(expected: TableDefinition, actual: TableDefinition): Generator<Difference> {
  const table = quoted(expected.name);
  const key = expected.indexes.get('PRIMARY');
  const keyIsRight = actual.indexes.get('PRIMARY')?.sql === key?.sql;
  const inKey: string[] = [];
  let position = 'FIRST';
  for (const [name, sql] of expected.columns) {
    const there = actual.columns.get(name);
    const change =
      there === undefined ? `ADD COLUMN ${quoted(name)} ${sql} ${position}` : `MODIFY ${quoted(name)} ${sql}`;
    position = `AFTER ${quoted(name)}`;
    if (there === sql) continue;
    if (!keyIsRight && key?.columns.includes(quoted(name))) {
      inKey.push(change);
      continue;
    }
    yield {
      what: `column ${expected.name}.${name} ${missingOr(there, sql)}`,
      statements: [`ALTER TABLE ${table} ${change}`],
      stage: 'structure',
      blocking: true,
      ...(there === undefined && !isFilled(sql) ? { needsEmpty: expected.name } : {}),
      ...(sql.includes('NOT NULL') ? { inTheWay: rowsThat(expected, `child.${quoted(name)} IS NULL`) } : {}),
    };
  }
  for (const [name, sql] of actual.columns) {
    if (expected.columns.has(name) || isFilled(sql)) continue;
    yield {
      what: `column ${expected.name}.${name} is required, but this release does not know it`,
      statements: [`ALTER TABLE ${table} MODIFY ${quoted(name)} ${sql.replace(' NOT NULL', '')}`],
      stage: 'never',
      blocking: true,
    };
  }
  if (keyIsRight || !key) return;
  const there = actual.indexes.get('PRIMARY');
  const changes = [...inKey, ...(there ? ['DROP PRIMARY KEY'] : []), `ADD ${key.sql}`];
  yield {
    what: `primary key of ${expected.name} ${missingOr(there?.sql, key.sql)}`,
    statements: [`ALTER TABLE ${table} ${changes.join(', ')}`],
    stage: 'structure',
    blocking: true,
    inTheWay: duplicates(expected, key),
  };
}

/** Values that several rows have in an index that allows one. */
function duplicates({ name }: TableDefinition, { columns }: IndexDefinition): string {
  const names = columns.map((column) => /^`[^`]+`/.exec(column)?.[0] ?? column).map((column) => `child.${column}`);
  const filled = names.map((column) => `${column} IS NOT NULL`).join(' AND ');
  const list = names.join(', ');
  return `SELECT ${list}, COUNT(*) AS times FROM ${quoted(name)} AS child WHERE ${filled} GROUP BY ${list} HAVING COUNT(*) > 1 LIMIT 6`;
}

function* indexDifferences(expected: TableDefinition, actual: TableDefinition): Generator<Difference> {
  for (const [name, index] of expected.indexes) {
    const there = actual.indexes.get(name);
    if (there?.sql === index.sql || name === 'PRIMARY') continue;
    const isUnique = index.kind === 'UNIQUE KEY';
    yield {
      what: `${nouns[index.kind]} ${expected.name}.${name} ${missingOr(there?.sql, index.sql)}`,
      statements: [
        `ALTER TABLE ${quoted(expected.name)} ${there ? `DROP INDEX ${quoted(name)}, ` : ''}ADD ${index.sql}`,
      ],
      stage: isUnique ? 'rule' : 'index',
      blocking: index.kind !== 'KEY' || namedIndexes.has(name),
      ...(isUnique ? { inTheWay: duplicates(expected, index) } : {}),
    };
  }
  for (const [name, index] of actual.indexes) {
    if (expected.indexes.has(name) || index.kind !== 'UNIQUE KEY') continue;
    yield stray(
      `unique index ${expected.name}.${name}`,
      `ALTER TABLE ${quoted(expected.name)} DROP INDEX ${quoted(name)}`,
    );
  }
}

/** A rule that may refuse what this release writes; a newer one may have made it. */
const stray = (what: string, statement: string): Difference => ({
  what: `${what} is not of this release, and may refuse what it writes`,
  statements: [statement],
  stage: 'never',
  blocking: false,
});

function* constraintDifferences(expected: TableDefinition, actual: TableDefinition | undefined): Generator<Difference> {
  const table = quoted(expected.name);
  const drop = (name: string, kind: string) =>
    `ALTER TABLE ${table} DROP ${kind === 'CHECK' ? 'CONSTRAINT' : kind} ${quoted(name)}`;
  for (const [name, constraint] of expected.constraints) {
    const there = actual?.constraints.get(name);
    // A table that is made anew has its own checks.
    if (there?.sql === constraint.sql || (!actual && constraint.kind === 'CHECK')) continue;
    const noun = constraint.kind === 'CHECK' ? 'check' : 'foreign key';
    yield {
      what: `${noun} ${expected.name}.${name} ${missingOr(there?.sql, constraint.sql)}`,
      statements: [
        ...(there ? [drop(name, there.kind)] : []),
        `ALTER TABLE ${table} ADD ${constraintSql(name, constraint)}`,
      ],
      stage: 'rule',
      blocking: true,
      inTheWay: rowsThat(expected, constraint.broken),
    };
  }
  for (const [name, { kind }] of actual?.constraints ?? []) {
    if (expected.constraints.has(name)) continue;
    yield stray(`${kind === 'CHECK' ? 'check' : 'foreign key'} ${expected.name}.${name}`, drop(name, kind));
  }
}

function* tableDifferences(expected: TableDefinition, actual: TableDefinition): Generator<Difference> {
  const table = quoted(expected.name);
  const { engine, collation } = expected;
  if (actual.engine !== engine) {
    const statements = [`ALTER TABLE ${table} ENGINE=${engine}`];
    yield {
      what: `engine of ${expected.name} is ${actual.engine}, not ${engine}`,
      statements,
      stage: 'structure',
      blocking: true,
    };
  }
  if (actual.collation !== collation) {
    yield {
      what: `collation of ${expected.name} is ${actual.collation}, not ${collation}`,
      statements: [`ALTER TABLE ${table} DEFAULT CHARACTER SET ${collation.split('_')[0]} COLLATE ${collation}`],
      stage: 'structure',
      // Each column says its own; this is for columns to come.
      blocking: false,
    };
  }
  yield* columnDifferences(expected, actual);
  yield* indexDifferences(expected, actual);
  yield* constraintDifferences(expected, actual);
}

/**
 * Where a database is not as this release expects it. Tables, columns and indexes that it does not know are left alone, as a newer
 * release may have added them, unless they could refuse what this one writes.
 */
export async function schemaDifferences(db: Database): Promise<Difference[]> {
  const differences: Difference[] = [];
  const needed = new Set<string>(Object.keys(db.models));
  for (const expected of await expectedTables()) {
    const actual = await readTable(db, expected.name);
    if (typeof actual === 'object') differences.push(...tableDifferences(expected, actual));
    else if (actual === 'missing') {
      const statements = [createTableSql(expected, { foreignKeys: false })];
      differences.push(
        { what: `table ${expected.name} is missing`, statements, stage: 'structure', blocking: true },
        ...constraintDifferences(expected, undefined),
      );
    } else if (needed.has(expected.name)) {
      // What an account may not see at all is another service's.
      const what = `table ${expected.name} may not be read by this account`;
      differences.push({ what, statements: [], stage: 'never', blocking: true });
    }
  }
  return differences;
}
