import { type Database, placeholders, select, type Transaction } from '@shop/db/connection/connection.ts';
import { LostRaceError, StockRangeError } from '@shop/db/errors.ts';
import { insertRows } from '@shop/db/insert-rows.ts';
import type { ResultSetHeader } from 'mysql2';
import { QueryTypes } from 'sequelize';

/** The most that a product can have in stock: what its column holds. */
export const largestStock = 2_147_483_647;

/** A row of `stock_movement`. `stock` is what the product had after it. */
export interface StockMovementRow {
  id: number;
  product_id: number;
  delta: number;
  stock: number;
  reason: string | null;
  /** `YYYY-MM-DD HH:MM:SS.mmm`, UTC. */
  created_at: string;
}

/** What the movements are for that come with another write. */
export const stockReasons = { create: 'opening stock', update: 'stock set', repair: 'repair' } as const;

/**
 * Writes down that the stock of products was set: from `before` to `after`; where they are equal, nothing. Few statements,
 * however many. The transaction must hold the products' rows, as it does when it has written them.
 */
export async function recordStockChanges(
  db: Database,
  transaction: Transaction,
  changes: { product_id: number; before: number; after: number; reason: string }[],
): Promise<void> {
  const moved = changes.filter(({ before, after }) => before !== after);
  const rows = moved.map(({ product_id, before, after, reason }) => [product_id, after - before, after, reason]);
  await insertRows(db, transaction, 'stock_movement', ['product_id', 'delta', 'stock', 'reason'], rows);
}

/**
 * Writes, for each of these products whose movements do not add up to its stock, the movement that is missing, or several
 * where one cannot say so much. For rows that were written by SQL of their own. The transaction must hold the products' rows.
 */
export async function balanceLedger(
  db: Database,
  transaction: Transaction,
  productIds: number[],
  reason: string,
): Promise<void> {
  const missing = 'product.stock - COALESCE(SUM(known.delta), 0)';
  const sql = `INSERT INTO stock_movement (product_id, delta, stock, reason)
     SELECT product.id, LEAST(GREATEST(${missing}, -${largestStock}), ${largestStock}), product.stock, $1
     FROM product LEFT JOIN stock_movement AS known ON known.product_id = product.id
     WHERE product.id IN (${placeholders(productIds.length, 2)})
     GROUP BY product.id, product.stock
     HAVING product.stock <> COALESCE(SUM(known.delta), 0)
     ORDER BY product.id`;
  const bind = [reason, ...productIds];
  let written: number;
  do {
    [, written] = await db.sequelize.query(sql, { type: QueryTypes.INSERT, bind, transaction });
  } while (written > 0);
}

/**
 * Adds `delta` to a product's stock, and writes the movement. Many may do this to one product at once: its row is locked for
 * two statements, which look up nothing, and what the answer needs to know is asked before. Who is refused locks nothing.
 * @returns the movement, or undefined when there is no such product
 * @throws {StockRangeError} when the stock would be less than 0 or more than {@link largestStock}
 */
export async function moveStock(
  db: Database,
  transaction: Transaction,
  productId: number,
  { delta, reason }: { delta: number; reason: string | null },
): Promise<StockMovementRow | undefined> {
  const [before] = await select<{ stock: number; created_at: string }>(
    db,
    'SELECT stock, CURRENT_TIMESTAMP(3) AS created_at FROM product WHERE id = $1',
    [productId],
    transaction,
  );
  if (!before) return undefined;
  // The stocks to which delta can be added, worked out here: the sum itself might not fit its column.
  const [least, most] = [Math.max(0, -delta), Math.min(largestStock, largestStock - delta)];
  if (before.stock < least || before.stock > most) throw new StockRangeError(delta, before.stock, largestStock);
  // LAST_INSERT_ID hands out the new stock, which would have to be read otherwise, while others wait.
  const [, updated] = await db.sequelize.query(
    `UPDATE product SET stock = LAST_INSERT_ID(stock + $1), version = version + 1, updated_at = CURRENT_TIMESTAMP(3)
     WHERE id = $2 AND stock BETWEEN $3 AND $4`,
    { type: QueryTypes.RAW, bind: [delta, productId, least, most], transaction },
  );
  const { affectedRows, insertId: stock } = updated as ResultSetHeader;
  if (affectedRows === 0) throw new LostRaceError(`product ${productId} has been changed or deleted meanwhile`);
  const [id] = await db.sequelize.query(
    'INSERT INTO stock_movement (product_id, delta, stock, reason, created_at) VALUES ($1, $2, $3, $4, $5)',
    { type: QueryTypes.INSERT, bind: [productId, delta, stock, reason, before.created_at], transaction },
  );
  return { id, product_id: productId, delta, stock, reason, created_at: before.created_at };
}
