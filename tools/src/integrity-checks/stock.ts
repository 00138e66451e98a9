import { balanceLedger, stockReasons } from '@shop/catalogue/stock-ledger.ts';
import { placeholders } from '@shop/db/connection/connection.ts';
import { change, type IntegrityCheck, rowCheck } from './check.ts';

/** That the ledger explains every stock. */
export const stockChecks: IntegrityCheck[] = [
  rowCheck({
    what: 'products whose movements do not add up to their stock',
    remedy: `given a movement "${stockReasons.repair}" of the difference`,
    table: 'product',
    condition: `product.stock <> (SELECT COALESCE(SUM(movement.delta), 0) FROM stock_movement AS movement
                                  WHERE movement.product_id = product.id)`,
    repair: (db, transaction, keys) =>
      balanceLedger(
        db,
        transaction,
        keys.map(({ id }) => id as number),
        stockReasons.repair,
      ),
  }),
  rowCheck({
    what: 'products whose last movement ends with another stock',
    remedy: 'the movement ends with theirs',
    table: 'product',
    condition: `product.stock <> COALESCE((SELECT movement.stock FROM stock_movement AS movement
                                           WHERE movement.product_id = product.id ORDER BY movement.id DESC LIMIT 1), 0)`,
    repair: (db, transaction, keys) =>
      change(
        db,
        transaction,
        `UPDATE stock_movement
         JOIN (SELECT MAX(id) AS id FROM stock_movement WHERE product_id IN (${placeholders(keys.length)}) GROUP BY product_id) AS last
           ON last.id = stock_movement.id
         JOIN product ON product.id = stock_movement.product_id
         SET stock_movement.stock = product.stock`,
        keys.map(({ id }) => id),
      ),
  }),
];
