import { type Database, placeholders, select } from '@shop/db/connection/connection.ts';
import { SchemaError } from '@shop/db/errors.ts';
import type { ResourceTable } from '@shop/db/models.ts';
import { type CataloguePlan, productAt } from './products.ts';
import { tagPlans } from './tags.ts';

/** Products that are looked for: an earlier run, even one that was cut short, has written from the first one on. */
const productsLookedFor = 1_000;

/**
 * Looks for rows that hold a name, slug or SKU that a planned catalogue needs.
 * @throws {SchemaError} in one line, with what is taken and an example of each
 */
export async function refuseTaken(db: Database, plan: CataloguePlan): Promise<void> {
  const products = Array.from({ length: Math.min(productsLookedFor, plan.products) }, (_, index) =>
    productAt(plan, index),
  );
  const roots = plan.categories.filter(({ parent }) => parent === null);
  const faults = [
    await taken(db, 'category', 'slug', slugsOf(plan.categories)),
    // A name is unique among its siblings, and only the roots get siblings that are there already.
    await taken(
      db,
      'category',
      'category_name',
      roots.map(({ category_name }) => category_name),
      'parent_id IS NULL',
    ),
    await taken(db, 'tag', 'slug', slugsOf(tagPlans)),
    await taken(
      db,
      'tag',
      'tag_name',
      tagPlans.map(({ tag_name }) => tag_name),
    ),
    await taken(db, 'product', 'slug', slugsOf(products)),
    await taken(
      db,
      'product',
      'sku',
      products.flatMap(({ sku }) => sku ?? []),
    ),
  ].filter((fault) => fault !== undefined);
  if (faults.length === 0) return;
  throw new SchemaError(
    `Nothing was written: rows hold values that the catalogue needs, ${faults.join(', ')}. A database takes one generated catalogue; "npm run db:reset" empties it.`,
  );
}

const slugsOf = (rows: { slug: string }[]): string[] => rows.map(({ slug }) => slug);

/** `400 of tag.slug (such as "accessory")`, or undefined when no row (among those of `where`) holds any of the values. */
async function taken(
  db: Database,
  table: ResourceTable,
  column: string,
  values: string[],
  where = 'TRUE',
): Promise<string | undefined> {
  const [row] = await select<{ count: number; example: string }>(
    db,
    `SELECT COUNT(*) AS count, MIN(${column}) AS example FROM ${table} WHERE ${where} AND ${column} IN (${placeholders(values.length)})`,
    values,
  );
  return row?.count ? `${row.count} of ${table}.${column} (such as "${row.example}")` : undefined;
}
