import { type Database, placeholders, select, type Transaction } from './connection.ts';
import type { ProductRow } from './models.ts';

/** How many products are embedded in a category or a tag. */
export const embeddedProducts = 50;

/** Where the products of a category or a tag are found, by their parent's id and in the order of theirs. */
const sources = {
  category: { from: 'product', table: 'product', key: 'product.category_id', order: 'product.id' },
  tag: {
    from: 'product_tag JOIN product ON product.id = product_tag.product_id',
    table: 'product_tag',
    key: 'product_tag.tag_id',
    order: 'product_tag.product_id',
  },
};

/**
 * The first {@link embeddedProducts} products, by id, of each category or tag: one statement, however many parents. One
 * branch of the UNION per parent reads the head of an index, so a parent with 300,000 products costs no more than one
 * with 50.
 */
export async function productsOf(
  db: Database,
  parent: keyof typeof sources,
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, ProductRow[]>> {
  const found = new Map(ids.map((id) => [id, [] as ProductRow[]]));
  if (ids.length === 0) return found;
  const { from, key, order } = sources[parent];
  const columns = Object.keys(db.models.product.getAttributes()).map((column) => `product.${column}`);
  const branches = ids.map(
    (_, index) =>
      `(SELECT ${key} AS parent, ${columns.join(', ')} FROM ${from} WHERE ${key} = $${index + 1} ORDER BY ${order} LIMIT ${embeddedProducts})`,
  );
  const rows = await select<ProductRow & { parent: number }>(db, branches.join(' UNION ALL '), ids, transaction);
  for (const row of rows) found.get(row.parent)?.push(row);
  for (const products of found.values()) products.sort((a, b) => a.id - b.id);
  return found;
}

/** How many products each category or tag has: one statement that counts in an index. A parent without any is absent. */
export async function productCounts(
  db: Database,
  parent: keyof typeof sources,
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const { table, key } = sources[parent];
  const counts = await select<{ parent: number; count: number }>(
    db,
    `SELECT ${key} AS parent, COUNT(*) AS count FROM ${table} WHERE ${key} IN (${placeholders(ids.length)}) GROUP BY ${key}`,
    ids,
    transaction,
  );
  return new Map(counts.map((row) => [row.parent, row.count]));
}
