import { QueryTypes } from 'sequelize';
import { type Database, placeholders, select, type Transaction } from './connection.ts';
import { LostRaceError, StockRangeError } from './errors.ts';
import { insertRows } from './insert-rows.ts';

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
 * Writes, for each of these products whose movements do not add up to its stock, the movement that is missing. One
 * statement; for rows that were written by SQL of their own. The transaction must hold the products' rows.
 */
export async function balanceLedger(
  db: Database,
  transaction: Transaction,
  productIds: number[],
  reason: string,
): Promise<void> {
  await db.sequelize.query(
    `INSERT INTO stock_movement (product_id, delta, stock, reason)
     SELECT product.id, product.stock - COALESCE(SUM(known.delta), 0), product.stock, $1
     FROM product LEFT JOIN stock_movement AS known ON known.product_id = product.id
     WHERE product.id IN (${placeholders(productIds.length, 2)})
     GROUP BY product.id, product.stock
     HAVING product.stock <> COALESCE(SUM(known.delta), 0)
     ORDER BY product.id`,
    { type: QueryTypes.INSERT, bind: [reason, ...productIds], transaction },
  );
}

/**
 * Adds `delta` to a product's stock, and writes the movement. The row is locked from the first of three statements on, and
 * they look up nothing else: many may do this to one product at once.
 * @returns the movement, or undefined when there is no such product
 * @throws {StockRangeError} when the stock would be less than 0 or more than {@link largestStock}
 */
export async function moveStock(
  db: Database,
  transaction: Transaction,
  productId: number,
  { delta, reason }: { delta: number; reason: string | null },
): Promise<StockMovementRow | undefined> {
  // The stocks to which delta can be added, worked out here: the sum itself might not fit its column.
  const [least, most] = [Math.max(0, -delta), Math.min(largestStock, largestStock - delta)];
  const [, changed] = await db.sequelize.query(
    `UPDATE product SET stock = stock + $1, version = version + 1, updated_at = CURRENT_TIMESTAMP(3)
     WHERE id = $2 AND stock BETWEEN $3 AND $4`,
    { type: QueryTypes.UPDATE, bind: [delta, productId, least, most], transaction },
  );
  if (changed === 0) {
    const [product] = await select<{ stock: number }>(
      db,
      'SELECT stock FROM product WHERE id = $1',
      [productId],
      transaction,
    );
    if (!product) return undefined;
    if (product.stock < least || product.stock > most) throw new StockRangeError(delta, product.stock);
    throw new LostRaceError(`the stock of product ${productId} has changed since it was found not to do`);
  }
  const [id] = await db.sequelize.query(
    `INSERT INTO stock_movement (product_id, delta, stock, reason)
     SELECT id, $1, stock, $2 FROM product WHERE id = $3`,
    { type: QueryTypes.INSERT, bind: [delta, reason, productId], transaction },
  );
  const [movement] = await select<StockMovementRow>(
    db,
    'SELECT id, product_id, delta, stock, reason, created_at FROM stock_movement WHERE id = $1',
    [id],
    transaction,
  );
  return movement;
}
