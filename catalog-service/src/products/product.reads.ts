import { type Database, padded, placeholders, select, type Transaction } from '@shop/db/connection.ts';
import type { CategoryRow, ProductRow, TagRow } from '@shop/db/models.ts';
import { tagsOf } from '@shop/db/product-links.ts';
import { categoryColumns, presentCategory } from '@shop/resources/category.ts';
import type { Selection } from '@shop/resources/list/query.ts';
import { type ProductSummary, presentProduct, productColumns } from '@shop/resources/product.ts';
import { presentTag, tagColumns } from '@shop/resources/tag.ts';
import type { Product } from './product.schema.ts';

/** A product, with those of its associations that were asked for. */
export type ProductWith = ProductSummary & Partial<Pick<Product, 'category' | 'tags'>>;
type Embeds = Pick<Selection, 'embed'>;

/** The columns of a table that is joined to `product`, each with the name that keeps them apart: `category.id`. */
const joined = (table: string, columns: string[]) => columns.map((column) => ({ column, name: `${table}.${column}` }));
const joinedCategory = joined('category', categoryColumns);
const joinedTag = joined('tag', tagColumns);

/** Takes joined columns out of a row again; undefined where there was nothing to join. */
function unjoin<Row>(row: Record<string, unknown>, columns: ReturnType<typeof joined>): Row | undefined {
  if (row[columns[0]?.name ?? ''] === null) return undefined;
  const taken: Record<string, unknown> = {};
  for (const { column, name } of columns) taken[column] = row[name];
  return taken as Row;
}

/** The statements for one product, by whether its category and its tags are joined to it. */
const productSql = (() => {
  const select = (withCategory: boolean, withTags: boolean): string => {
    const columns = [
      ...productColumns.map((column) => `product.${column}`),
      ...[...(withCategory ? joinedCategory : []), ...(withTags ? joinedTag : [])].map(
        ({ name }) => `${name} AS \`${name}\``,
      ),
    ];
    const category = withCategory ? 'LEFT JOIN category ON category.id = product.category_id' : '';
    const tags = withTags
      ? 'LEFT JOIN product_tag ON product_tag.product_id = product.id LEFT JOIN tag ON tag.id = product_tag.tag_id'
      : '';
    const order = withTags ? 'ORDER BY product_tag.tag_id' : '';
    return `SELECT ${columns.join(', ')} FROM product ${category} ${tags} WHERE product.id = $1 ${order}`;
  };
  return [false, true].map((withCategory) => [false, true].map((withTags) => select(withCategory, withTags)));
})();

/** One product: one statement, whose rows repeat it for each of its tags. */
export async function readProduct(
  db: Database,
  id: number,
  { embed }: Embeds,
  transaction?: Transaction,
): Promise<ProductWith | undefined> {
  const [withCategory, withTags] = [embed.has('category'), embed.has('tags')];
  const sql = productSql[Number(withCategory)]?.[Number(withTags)] as string;
  const rows = await select<ProductRow & Record<string, unknown>>(db, sql, [id], transaction);
  const [row] = rows;
  if (!row) return undefined;
  const product: ProductWith = presentProduct(row);
  if (withCategory) {
    const category = unjoin<CategoryRow>(row, joinedCategory);
    product.category = category ? presentCategory(category) : null;
  }
  if (withTags) {
    const tags = rows.map((each) => unjoin<TagRow>(each, joinedTag));
    product.tags = tags.flatMap((tag) => (tag ? [presentTag(tag)] : []));
  }
  return product;
}

/** The categories of products, by id: one statement. */
async function categoriesOf(db: Database, rows: ProductRow[], transaction: Transaction | undefined) {
  const ids = [...new Set(rows.flatMap((row) => (row.category_id === null ? [] : [row.category_id])))];
  if (ids.length === 0) return new Map();
  const bind = padded(ids);
  const found = await select<CategoryRow>(
    db,
    `SELECT ${categoryColumns.join(', ')} FROM category WHERE id IN (${placeholders(bind.length)})`,
    bind,
    transaction,
  );
  return new Map(found.map((row) => [row.id, presentCategory(row)]));
}

/** The products of a page: a statement for each association, however many rows. (One that joined them all would cost more.) */
export async function presentProducts(
  db: Database,
  rows: ProductRow[],
  { embed }: Embeds,
  transaction?: Transaction,
): Promise<ProductWith[]> {
  const ids = rows.map((row) => row.id);
  const [categories, tags] = await Promise.all([
    embed.has('category') ? categoriesOf(db, rows, transaction) : undefined,
    embed.has('tags') ? tagsOf<TagRow>(db, ids, tagColumns, transaction) : undefined,
  ]);
  return rows.map((row) => {
    const product: ProductWith = presentProduct(row);
    if (categories) product.category = categories.get(row.category_id) ?? null;
    if (tags) product.tags = (tags.get(row.id) ?? []).map(presentTag);
    return product;
  });
}

/** Products by id: three statements, however many. */
export async function readProducts(
  db: Database,
  ids: number[],
  embeds: Embeds,
  transaction?: Transaction,
): Promise<Map<number, ProductWith>> {
  if (ids.length === 0) return new Map();
  const bind = padded(ids);
  const rows = await select<ProductRow>(
    db,
    `SELECT ${productColumns.join(', ')} FROM product WHERE id IN (${placeholders(bind.length)})`,
    bind,
    transaction,
  );
  const products = await presentProducts(db, rows, embeds, transaction);
  return new Map(products.map((product) => [product.id, product]));
}

/**
 * What tells two representations of a product apart. Which category and which tags it has is part of its own version, so
 * the sum of the tags' versions changes whenever one of them does.
 */
export interface ProductVersions {
  product: number;
  category: number;
  tags: number;
}

/** The versions of all that a product's representation is made of: one statement on primary keys, no row read whole. */
export async function readVersions(db: Database, id: number): Promise<ProductVersions | undefined> {
  const [row] = await select<ProductVersions>(
    db,
    `SELECT product.version AS product, COALESCE(category.version, 0) AS category,
            (SELECT COALESCE(SUM(tag.version), 0) FROM product_tag JOIN tag ON tag.id = product_tag.tag_id
             WHERE product_tag.product_id = product.id) AS tags
     FROM product LEFT JOIN category ON category.id = product.category_id WHERE product.id = $1`,
    [id],
  );
  return row;
}
