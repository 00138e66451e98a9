import { inPieces } from '@shop/service-kit/pieces.ts';
import { type Database, QueryTypes, select, type Transaction } from '../connection/connection.ts';
import { inTransaction } from '../connection/transaction.ts';
import { insertRows } from '../insert-rows.ts';
import type { ResourceTable } from '../models.ts';
import { codeTermsOf, termsOf } from './terms.ts';

/** The columns that searches find a row by; the name comes first. */
export const searchColumns: Record<ResourceTable, readonly string[]> = {
  category: ['category_name', 'description'],
  product: ['product_name', 'sku', 'description'],
  tag: ['tag_name'],
};

/** Those columns of a row, as the database or a client has them. */
export type Searched = object;

/** How many different terms of a description are kept. Prose of 64 KiB has about 2,500; what has more is no prose. */
export const mostDescriptionTerms = 4_000;

/**
 * A row's terms as its table of terms holds them: a section for each of its columns, ` w_red w_shirt | w_sh1 | `. A description
 * repeats none of the others, and has at most {@link mostDescriptionTerms}.
 */
export function searchTextOf(table: ResourceTable, row: Searched): string {
  const seen = new Set<string>();
  const sections = searchColumns[table].map((column) => {
    const text = String((row as Record<string, unknown>)[column] ?? '');
    const terms = column === 'sku' ? codeTermsOf(text) : termsOf(text);
    const isLong = column === 'description';
    const kept = isLong ? terms.filter((term) => !seen.has(term)).slice(0, mostDescriptionTerms) : terms;
    for (const term of kept) seen.add(term);
    return `${kept.map((term) => `${term} `).join('')}| `;
  });
  return ` ${sections.join('')}`;
}

/** Writes down the terms of new rows, made in pieces: a batch may have 8 MiB of text. */
export async function insertSearchText(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  rows: { id: number; row: Searched }[],
): Promise<void> {
  const made: [number, string][] = [];
  const rest = inPieces();
  for (const { id, row } of rows) {
    made.push([id, searchTextOf(table, row)]);
    await rest();
  }
  await insertRows(db, transaction, `${table}_search`, ['id', 'terms'], made);
}

/** Writes down the terms of a row that is there, whether or not they were written down before. */
export async function replaceSearchText(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  id: number,
  row: Searched,
): Promise<void> {
  const sql = `INSERT INTO ${table}_search (id, terms) VALUES ($1, $2) ON DUPLICATE KEY UPDATE terms = VALUES(terms)`;
  const bind = [id, searchTextOf(table, row)];
  await db.sequelize.query(sql, { type: QueryTypes.INSERT, bind, transaction });
}

/** The same for a row as it is by now in the database. */
export async function renewSearchText(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  id: number,
): Promise<void> {
  const sql = `SELECT ${searchColumns[table].join(', ')} FROM ${table} WHERE id = $1`;
  const [row] = await select<Searched>(db, sql, [id], transaction);
  if (row) await replaceSearchText(db, transaction, table, id, row);
}

/** Rows of which the terms are made in one transaction. */
const stepSize = 1_000;

/** The rows of a table that have no terms yet. */
const unsearched = (table: ResourceTable): string =>
  `FROM ${table} LEFT JOIN ${table}_search ON ${table}_search.id = ${table}.id WHERE ${table}_search.id IS NULL`;

/**
 * Writes down the terms of all rows that have none yet, in transactions of bounded size. It may be cut off and begun again.
 * @param onProgress is told after each transaction how many rows it has written, and of how many
 */
export async function fillSearchText(
  db: Database,
  onProgress: (rows: number, total: number) => void = () => {},
): Promise<void> {
  const tables = Object.keys(searchColumns) as ResourceTable[];
  const counted = tables.map((table) => `(SELECT COUNT(*) ${unsearched(table)})`).join(' + ');
  const total = (await select<{ count: number }>(db, `SELECT ${counted} AS count`))[0]?.count ?? 0;
  if (total === 0) return;
  let written = 0;
  for (const table of tables) {
    const columns = searchColumns[table].map((column) => `${table}.${column}`).join(', ');
    for (let [after, isOver] = [0, false]; !isOver; ) {
      const ids = await inTransaction(db, async (transaction) => {
        const rows = await select<{ id: number }>(
          db,
          `SELECT ${table}.id, ${columns} ${unsearched(table)} AND ${table}.id > $1
           ORDER BY ${table}.id LIMIT ${stepSize} FOR UPDATE`,
          [after],
          transaction,
        );
        await insertSearchText(
          db,
          transaction,
          table,
          rows.map((row) => ({ id: row.id, row })),
        );
        return rows.map(({ id }) => id);
      });
      written += ids.length;
      if (ids.length > 0) onProgress(written, total);
      after = ids.at(-1) ?? after;
      isOver = ids.length < stepSize;
    }
  }
}
