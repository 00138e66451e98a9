import { type Database, placeholders, select, type Transaction } from './connection.ts';
import type { ProductRow } from './models.ts';

/** How many products are embedded in a category or a tag. */
export const embeddedProducts = 50;

/**
 * Where the products of a category or a tag are found, by their parent's id and in the order of theirs, and where they are
 * counted. (MariaDB 10.11 scans the table when a prepared COUNT of a large category is run a second time, unless it is told
 * which index to count in.)
 */
const sources = {
  category: {
    from: 'product',
    counted: 'product FORCE INDEX (product_in_category)',
    key: 'product.category_id',
    order: 'product.id',
  },
  tag: {
    from: 'product_tag JOIN product ON product.id = product_tag.product_id',
    counted: 'product_tag',
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

/** How many products each category or tag has: one statement that counts in an index, and sorts and keeps nothing. */
export async function productCounts(
  db: Database,
  parent: keyof typeof sources,
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const { counted, key } = sources[parent];
  const counts = await select<{ id: number; count: number }>(
    db,
    `SELECT id, (SELECT COUNT(*) FROM ${counted} WHERE ${key} = ${parent}.id) AS count
     FROM ${parent} WHERE id IN (${placeholders(ids.length)})`,
    ids,
    transaction,
  );
  return new Map(counts.map((row) => [row.id, row.count]));
}
