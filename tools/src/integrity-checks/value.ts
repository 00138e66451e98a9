import { balanceLedger, stockReasons } from '@shop/catalogue/stock-ledger.ts';
import { nextVersion } from '@shop/db/resource-table.ts';
import { change, hasKey, type IntegrityCheck, rowCheck } from './check.ts';
import { freeText } from './uniqueness.ts';

/**
 * Makes a product keep all of its rules at once: while one is broken, the database refuses every change of the row. What
 * had no price that can be asked is taken off sale.
 */
const repairProducts: IntegrityCheck['repair'] = async (db, transaction, keys) => {
  const { sql, bind } = hasKey('product', keys);
  await change(
    db,
    transaction,
    `UPDATE product
     SET status = IF(price < 0 OR status NOT IN ('draft', 'active', 'archived'), 'draft', status),
         price = GREATEST(price, 0), stock = GREATEST(stock, 0),
         product_name = IF(CHAR_LENGTH(product_name) = 0, CONCAT('product ', id), product_name),
         version = version + 1, updated_at = CURRENT_TIMESTAMP(3)
     WHERE ${sql}`,
    bind,
  );
  await balanceLedger(
    db,
    transaction,
    keys.map(({ id }) => id as number),
    stockReasons.repair,
  );
};

const product = (what: string, remedy: string, condition: string): IntegrityCheck =>
  rowCheck({ what, remedy, table: 'product', condition, repair: repairProducts });

const unnamed = (table: 'category' | 'tag', plural: string): IntegrityCheck =>
  rowCheck({
    what: `${plural} with an empty name`,
    remedy: `named "${table}" and their id`,
    table,
    condition: `CHAR_LENGTH(${table}.${table}_name) = 0`,
    repair: async (db, transaction, keys) => {
      for (const { id } of keys) {
        const name = await freeText(db, transaction, table, `${table}_name`, id as number, `${table} ${id}`);
        await db.models[table as 'tag'].update(
          { [`${table}_name`]: name, ...nextVersion },
          { where: { id }, transaction },
        );
      }
    },
  });

/** What the CHECK constraints say of single rows, which hold no longer for rows that came in while they were off. */
export const valueChecks: IntegrityCheck[] = [
  product('products with less than 0 in stock', 'set to 0', 'product.stock < 0'),
  product('products with a price below 0', 'set to 0, and to draft', 'product.price < 0'),
  product('products with an unknown status', 'set to draft', "product.status NOT IN ('draft', 'active', 'archived')"),
  product('products with an empty name', 'named "product" and their id', 'CHAR_LENGTH(product.product_name) = 0'),
  unnamed('category', 'categories'),
  unnamed('tag', 'tags'),
];
