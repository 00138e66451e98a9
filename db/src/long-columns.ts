import { type Database, padded, placeholders, select, type Transaction } from './connection/connection.ts';
import { piecesOf } from './steps.ts';

/** The columns that can be long. They are read where they are asked for, and no more of them than there is room for. */
export const longColumns: Record<string, readonly string[]> = {
  product: ['description', 'image_urls', 'metadata'],
  category: ['description'],
};

/** Bytes that all other columns of a row are reckoned to be, as JSON. */
const shortBytes = 512;

/** How many rows one statement fills in. */
const rowsAtOnce = 256;

/** A row that was read by {@link measuredColumns}: the length of each long column, and its value only where that is short. */
export type Measured<Row> = Row & { id: number; [bytes: `${string}_bytes`]: number | null };

/**
 * What a SELECT reads of long columns: the length of each in bytes, and the value unless it is longer than `most`, which is a
 * placeholder. So one statement reads ordinary rows as they are, and tells of long ones how long they are.
 */
export const measuredColumns = (table: string, columns: readonly string[], most: string): string[] =>
  columns.flatMap((column) => [
    `IF(OCTET_LENGTH(${table}.${column}) <= ${most}, ${table}.${column}, NULL) AS ${column}`,
    `OCTET_LENGTH(${table}.${column}) AS ${column}_bytes`,
  ]);

/** Bytes that a measured row takes in a response, about. */
export function bytesOf<Row extends object>(row: Row, columns: readonly string[]): number {
  const measured = row as Record<string, unknown>;
  return columns.reduce((sum, column) => sum + Number(measured[`${column}_bytes`] ?? 0), shortBytes);
}

/** Reads the long values that were left out of measured rows, because they are longer than `most`. */
export async function fillIn<Row extends object>(
  db: Database,
  table: string,
  rows: Row[],
  { columns, most }: { columns: readonly string[]; most: number },
  transaction?: Transaction,
): Promise<void> {
  const measured = rows as (Record<string, unknown> & { id: number })[];
  const isLong = (row: Record<string, unknown>) => columns.some((column) => Number(row[`${column}_bytes`] ?? 0) > most);
  const byId = Map.groupBy(measured.filter(isLong), (row) => row.id);
  for (const piece of piecesOf([...byId.keys()], rowsAtOnce)) {
    const bind = padded(piece);
    const sql = `SELECT id, ${columns.join(', ')} FROM ${table} WHERE id IN (${placeholders(bind.length)})`;
    for (const values of await select<{ id: number }>(db, sql, bind, transaction)) {
      for (const row of byId.get(values.id) ?? []) Object.assign(row, values);
    }
  }
}
