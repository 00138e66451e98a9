import { type Database, placeholders, select, type Transaction } from './connection.ts';
import type { ProductRow } from './models.ts';

/** How many products are embedded in a category or a tag. */
export const embeddedProducts = 50;

/**
 * The first {@link embeddedProducts} products, by id, of each category or tag, and how many it has in all: two
 * statements, however many parents. One branch of the UNION per parent reads the head of an index, so a parent with
 * 300,000 products costs no more than one with 50.
 */
export async function productsOf(
  db: Database,
  parent: 'category' | 'tag',
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, { products: ProductRow[]; count: number }>> {
  const found = new Map(ids.map((id) => [id, { products: [] as ProductRow[], count: 0 }]));
  if (ids.length === 0) return found;
  const columns = Object.keys(db.models.product.getAttributes()).map((column) => `product.${column}`);
  const [from, key, order] =
    parent === 'category'
      ? ['product', 'product.category_id', 'product.id']
      : [
          'product_tag JOIN product ON product.id = product_tag.product_id',
          'product_tag.tag_id',
          'product_tag.product_id',
        ];
  const branches = ids.map(
    (_, index) =>
      `(SELECT ${key} AS parent, ${columns.join(', ')} FROM ${from} WHERE ${key} = $${index + 1} ORDER BY ${order} LIMIT ${embeddedProducts})`,
  );
  const rows = await select<ProductRow & { parent: number }>(db, branches.join(' UNION ALL '), ids, transaction);
  const counts = await select<{ parent: number; count: number }>(
    db,
    `SELECT ${key} AS parent, COUNT(*) AS count FROM ${parent === 'category' ? 'product' : 'product_tag'}
     WHERE ${key} IN (${placeholders(ids.length)}) GROUP BY ${key}`,
    ids,
    transaction,
  );
  for (const row of rows) found.get(row.parent)?.products.push(row);
  for (const { parent: id, count } of counts) (found.get(id) as { count: number }).count = count;
  for (const { products } of found.values()) products.sort((a, b) => a.id - b.id);
  return found;
}
