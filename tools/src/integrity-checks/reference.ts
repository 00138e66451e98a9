import { change, hasKey, type IntegrityCheck, rowCheck } from './check.ts';

const deleteFrom =
  (table: string): IntegrityCheck['repair'] =>
  (db, transaction, keys) => {
    const { sql, bind } = hasKey(table, keys);
    return change(db, transaction, `DELETE FROM ${table} WHERE ${sql}`, bind);
  };

/** What the foreign keys of products say, which hold no longer for rows that came in while they were off. */
export const referenceChecks: IntegrityCheck[] = [
  rowCheck({
    what: 'products in a category that does not exist',
    remedy: 'taken out of it',
    table: 'product',
    joins: 'LEFT JOIN category ON category.id = product.category_id',
    condition: 'product.category_id IS NOT NULL AND category.id IS NULL',
    repair: (db, transaction, keys) => {
      const { sql, bind } = hasKey('product', keys);
      return change(
        db,
        transaction,
        `UPDATE product SET category_id = NULL, version = version + 1, updated_at = CURRENT_TIMESTAMP(3) WHERE ${sql}`,
        bind,
      );
    },
  }),
  rowCheck({
    what: 'links (product/tag) to a product or tag that does not exist',
    // No answer has shown them, so no version moves on.
    remedy: 'removed',
    table: 'product_tag',
    key: ['product_id', 'tag_id'],
    joins: `LEFT JOIN product ON product.id = product_tag.product_id LEFT JOIN tag ON tag.id = product_tag.tag_id`,
    condition: 'product.id IS NULL OR tag.id IS NULL',
    repair: deleteFrom('product_tag'),
  }),
  rowCheck({
    what: 'movements of the stock of a product that does not exist',
    remedy: 'removed',
    table: 'stock_movement',
    joins: 'LEFT JOIN product ON product.id = stock_movement.product_id',
    condition: 'product.id IS NULL',
    repair: deleteFrom('stock_movement'),
  }),
];
