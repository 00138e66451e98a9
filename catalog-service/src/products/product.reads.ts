import { categoryColumns, presentCategory } from '@shop/catalogue/category.ts';
import { type ProductSummary, presentProduct } from '@shop/catalogue/product.ts';
import { presentTag, tagColumns } from '@shop/catalogue/tag.ts';
import { type EmbeddedTags, embeddedTags, tagBytes, tagsOf } from '@shop/catalogue/tag-reads.ts';
import { jsonInflation, writable } from '@shop/catalogue/writable.ts';
import { type Database, padded, placeholders, select, type Transaction } from '@shop/db/connection/connection.ts';
import { bytesOf, fillIn, longColumns, type Measured } from '@shop/db/long-columns.ts';
import type { CategoryRow, ProductRow, TagRow } from '@shop/db/models.ts';
import { fittingRows } from '@shop/resources/list/reader.ts';
import type { Selection } from '@shop/resources/list/request.ts';
import { columnsFor, longColumnsFor, selectedColumns } from '@shop/resources/list/sql.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { claim } from '@shop/service-kit/response-budget.ts';
import { productList } from './product.list.ts';
import type { Product } from './product.schema.ts';

/** A product, with those of its associations that were asked for. */
export type ProductWith = ProductSummary & Partial<Pick<Product, 'category' | 'tags' | 'tags_truncated'>>;

/** All that there is to a product. */
export const everything: Selection = { embed: new Set(productList.embeds), fields: undefined };

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

/**
 * The statement for one product: a row with it and its category, and behind that a row for each of its tags. (Joined, its long
 * columns would come once for each tag.)
 */
function productSql({ embed, fields }: Selection): string {
  const columns = columnsFor(productList, { fields }).map((column) => `product.${column}`);
  const category = embed.has('category') ? joinedCategory : [];
  const named = category.map(({ name }) => `${name} AS \`${name}\``);
  const from = embed.has('category') ? 'product LEFT JOIN category ON category.id = product.category_id' : 'product';
  if (!embed.has('tags')) return `SELECT ${[...columns, ...named].join(', ')} FROM ${from} WHERE product.id = $1`;
  const noTag = joinedTag.map(({ name }) => `NULL AS \`${name}\``);
  const tag = [...[...columns, ...named].map(() => 'NULL'), ...joinedTag.map(({ name }) => name)];
  return `SELECT ${[...columns, ...named, ...noTag].join(', ')} FROM ${from} WHERE product.id = $1
    UNION ALL
    (SELECT ${tag.join(', ')} FROM product_tag JOIN tag ON tag.id = product_tag.tag_id
     WHERE product_tag.product_id = $1 ORDER BY product_tag.tag_id LIMIT ${embeddedTags + 1})`;
}

/** One product: one statement. */
export async function readProduct(
  db: Database,
  id: number,
  selection: Selection,
  transaction?: Transaction,
): Promise<ProductWith | undefined> {
  const rows = await select<ProductRow & Record<string, unknown>>(db, productSql(selection), [id], transaction);
  const row = rows.find((each) => each.id === id);
  if (!row) return undefined;
  const product: ProductWith = presentProduct(row);
  if (selection.embed.has('category')) {
    const category = unjoin<CategoryRow>(row, joinedCategory);
    product.category = category ? presentCategory(category) : null;
  }
  if (selection.embed.has('tags')) {
    const tags = rows.flatMap((each) => (each === row ? [] : (unjoin<TagRow>(each, joinedTag) ?? [])));
    tags.sort((a, b) => a.id - b.id);
    embedTags(product, { tags: tags.slice(0, embeddedTags), isCut: tags.length > embeddedTags });
  }
  return sendable(product);
}

function embedTags(product: ProductWith, { tags, isCut }: EmbeddedTags): void {
  product.tags = tags.map(presentTag);
  if (isCut) product.tags_truncated = true;
}

/** Bytes of all that is not counted in {@link sendable}, and of a tag, as JSON. */
const mostOfOthers = 2 ** 17;
const mostOfTag = 2_048;

/** A product that can be sent back: see {@link writable}. */
const sendable = (product: ProductWith): ProductWith => {
  const text = (product.description?.length ?? 0) + (product.category?.description?.length ?? 0);
  return writable(product, 'tags', jsonInflation * text + mostOfOthers + mostOfTag * (product.tags?.length ?? 0));
};

const longOfCategory = longColumns.category ?? [];

/** The categories of products, by id, with the lengths of their long values: one statement. */
async function categoriesOf(db: Database, rows: ProductRow[], most: number, transaction: Transaction | undefined) {
  const ids = [...new Set(rows.flatMap((row) => (row.category_id === null ? [] : [row.category_id])))];
  if (ids.length === 0) return new Map<number, Measured<CategoryRow>>();
  const bind = padded(ids);
  const columns = selectedColumns({ table: 'category', columns: categoryColumns }, {}, `$${bind.length + 1}`);
  const found = await select<Measured<CategoryRow>>(
    db,
    `SELECT ${columns} FROM category WHERE id IN (${placeholders(bind.length)})`,
    [...bind, most],
    transaction,
  );
  return new Map(found.map((row) => [row.id, row]));
}

/**
 * The products of a page, as many as a response has room for, and one at least: a statement for each association, however many
 * rows. (One that joined them all would cost more.)
 */
export async function presentProducts(
  db: Database,
  rows: ProductRow[],
  { embed, fields }: Selection,
  transaction?: Transaction,
): Promise<ProductWith[]> {
  const ids = rows.map((row) => row.id);
  const most = responseBytes / (rows.length + 1);
  const [categories, tags] = await Promise.all([
    embed.has('category') ? categoriesOf(db, rows, most, transaction) : undefined,
    embed.has('tags') ? tagsOf(db, ids, tagColumns, transaction) : undefined,
  ]);
  const long = longColumnsFor('product', { fields });
  const categoryOf = ({ category_id }: ProductRow) => (category_id === null ? undefined : categories?.get(category_id));
  let room = responseBytes;
  const end = rows.findIndex((row, index) => {
    const category = categoryOf(row);
    const own = tags?.get(row.id);
    if (tags && !own) return index > 0;
    room -= bytesOf(row, long) + (category ? bytesOf(category, longOfCategory) : 0) + tagBytes(own?.tags ?? []);
    return room < 0 && index > 0;
  });
  claim(responseBytes - room);
  const fitting = end < 0 ? rows : rows.slice(0, end);
  const shown = [...new Set(fitting.flatMap((row) => categoryOf(row) ?? []))];
  await fillIn(db, 'category', shown, { columns: longOfCategory, most }, transaction);
  const presented = new Map(shown.map((category) => [category.id, presentCategory(category)]));
  return fitting.map((row) => {
    const product: ProductWith = presentProduct(row);
    if (categories) product.category = presented.get(row.category_id ?? 0) ?? null;
    if (tags) embedTags(product, tags.get(row.id) ?? { tags: [], isCut: false });
    return sendable(product);
  });
}

/**
 * Products by id, as many of them as a response has room for, in the order of `ids`: few statements, however many.
 * @returns those that there are and that fit, by id, and whether there are more
 */
export async function readProducts(
  db: Database,
  ids: number[],
  transaction: Transaction,
): Promise<{ products: Map<number, ProductWith>; isCut: boolean }> {
  if (ids.length === 0) return { products: new Map(), isCut: false };
  const bind = padded(ids);
  const long = { columns: longColumnsFor('product', everything), most: responseBytes / bind.length };
  const sql = `SELECT ${selectedColumns(productList, everything, `$${bind.length + 1}`)}
               FROM product WHERE id IN (${placeholders(bind.length)})`;
  const rows = await select<ProductRow>(db, sql, [...bind, long.most], transaction);
  const byId = new Map(rows.map((row) => [row.id, row]));
  const fitting = fittingRows(
    ids.flatMap((id) => byId.get(id) ?? []),
    long.columns,
  );
  await fillIn(db, 'product', fitting, long, transaction);
  const products = await presentProducts(db, fitting, everything, transaction);
  return {
    products: new Map(products.map((product) => [product.id, product])),
    isCut: products.length < byId.size,
  };
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
