import { type Database, placeholders, QueryTypes, type Transaction } from './connection/connection.ts';

/** Characters of values in one statement: far from the largest packet of either server, whatever becomes of each of them. */
const mostCharacters = 2 ** 20;

const lengthOf = (row: readonly unknown[]): number =>
  row.reduce<number>((sum, value) => sum + (typeof value === 'string' ? value.length : 16), 0);

/** Rows in their order, in groups that fit a statement. */
function* statementsOf(rows: readonly (readonly unknown[])[]): Generator<(readonly unknown[])[]> {
  let group: (readonly unknown[])[] = [];
  let length = 0;
  for (const row of rows) {
    length += lengthOf(row);
    if (group.length > 0 && length > mostCharacters) {
      yield group;
      group = [];
      length = lengthOf(row);
    }
    group.push(row);
  }
  if (group.length > 0) yield group;
}

const storedForm = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : value;

/**
 * Inserts rows into a table, many with each statement. Objects are written as JSON; what is undefined gets the column's
 * default.
 * @throws Sequelize's errors as they are; where there are several statements, what those before the failed one did is done
 */
export async function insertRows(
  db: Database,
  transaction: Transaction,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly unknown[])[],
): Promise<void> {
  const into = `INSERT INTO ${table} (${columns.join(', ')}) VALUES`;
  for (const group of statementsOf(rows)) {
    const values = group.flat().filter((value) => value !== undefined);
    if (group.length === 1) {
      const marks = placeholders(values.length).split(', ');
      const row = columns.map((_, index) => (group[0]?.[index] === undefined ? 'DEFAULT' : marks.shift()));
      const options = { type: QueryTypes.INSERT, bind: values.map(storedForm), transaction } as const;
      await db.sequelize.query(`${into} (${row.join(', ')})`, options);
      continue;
    }
    // The driver puts the values into the text: prepared, every number of rows would be a statement that the server keeps.
    const tuples = group.map((row) => `(${columns.map((_, index) => (row[index] === undefined ? 'DEFAULT' : '?'))})`);
    const options = { type: QueryTypes.INSERT, replacements: values.map(storedForm), transaction } as const;
    await db.sequelize.query(`${into} ${tuples.join(', ')}`, options);
  }
}
