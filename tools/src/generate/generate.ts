import { stockReasons } from '@shop/catalogue/stock-ledger.ts';
import { connect, type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';
import { SchemaError, violatedIndex, violatedValue } from '@shop/db/errors.ts';
import { searchTextOf } from '@shop/db/search/search-text.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { escape as quoted } from 'mysql2';
import type { CategoryPlan } from './categories.ts';
import { type CataloguePlan, firstTime, planCatalogue, productAt, sqlTime } from './products.ts';
import { tagPlans } from './tags.ts';
import { refuseTaken } from './taken.ts';

/** How many rows are in, each product with all of its links to tags and the movement that its stock begins with. */
export interface Written {
  categories: number;
  tags: number;
  products: number;
  links: number;
  /** In the ledger of stock. */
  movements: number;
}

export interface GenerateOptions {
  /** How many. */
  products: number;
  /** A whole number of 32 bits. Same seed and number of products, same rows. */
  seed: number;
  /** Ends the work after the transactions that are under way. */
  signal?: AbortSignal;
  /** Is told after each transaction. */
  onProgress?: (written: Written) => void;
  /** Products in one transaction. */
  batchSize?: number;
}

/** While the server works on one transaction, the rows of the next are made. */
const connections = 2;

/**
 * Adds a generated catalogue to a migrated database: categories and tags at once, then products with their tags in
 * transactions of `batchSize`. Ids follow the highest ones that are there; no other row is touched. At the end the
 * server's statistics are brought up to date.
 * @returns what is in: fewer products than asked for when `signal` was aborted
 * @throws {SchemaError} before anything is written, when rows hold a name, slug or SKU that is needed; later, when a row
 * that could not be looked for does
 */
export async function generate(
  owner: DatabaseSettings,
  { products, seed, signal, onProgress = () => {}, batchSize = 2_000 }: GenerateOptions,
): Promise<Written> {
  const plan = planCatalogue(products, seed);
  const written: Written = { categories: 0, tags: 0, products: 0, links: 0, movements: 0 };
  const db = connect({ ...owner, poolMax: connections });
  try {
    await refuseTaken(db, plan);
    if (signal?.aborted) return written;
    const firstProduct = await reserveProductIds(db, products);
    const first = await inTransaction(db, async (transaction) => ({
      product: firstProduct,
      category: await insertCategories(db, transaction, plan.categories),
      tag: await insertTags(db, transaction),
    }));
    Object.assign(written, { categories: plan.categories.length, tags: tagPlans.length });

    let next = 0;
    let failed = false;
    const work = async () => {
      while (next < products && !signal?.aborted && !failed) {
        const from = next;
        next = Math.min(from + batchSize, products);
        const batch = batchOf(plan, from, next, first);
        try {
          await inTransaction(db, (transaction) => insertBatch(db, transaction, batch));
        } catch (error) {
          failed = true;
          throw error;
        }
        written.products += batch.products.length;
        written.links += batch.links.length;
        written.movements += batch.movements.length;
        onProgress({ ...written });
      }
    };
    const results = await Promise.allSettled(Array.from({ length: connections }, work));
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw explained(failure.reason, written.products);
    await db.sequelize.query('ANALYZE TABLE category, tag, product, product_tag, stock_movement');
    return written;
  } finally {
    await db.sequelize.close();
  }
}

/** An error of the products' transactions; one that a row of somebody else's caused says which value that holds. */
function explained(error: unknown, products: number): unknown {
  const index = violatedIndex(error);
  if (index === undefined) return error;
  return new SchemaError(
    `Ended after ${products} products: another row holds "${violatedValue(error)}" (unique index ${index}). "npm run db:reset" empties the database.`,
  );
}

/** A row's values in the order of its columns. */
type Row = (string | number | null)[];

/** One INSERT of all the rows, every value quoted by the driver: prepared, it would need a placeholder for each of 26,000. */
const insertRows = (
  db: Database,
  transaction: Transaction,
  table: string,
  columns: readonly string[],
  rows: Row[],
): Promise<unknown> =>
  db.sequelize.query(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${quoted(rows)}`, { transaction });

async function nextId(db: Database, table: 'category' | 'product' | 'tag', transaction?: Transaction): Promise<number> {
  const [row] = await select<{ id: number }>(
    db,
    `SELECT COALESCE(MAX(id), 0) + 1 AS id FROM ${table}`,
    [],
    transaction,
  );
  return (row as { id: number }).id;
}

/**
 * The first of so many ids that no other writer will be given: services may go on creating products meanwhile. (An
 * insert that had its id but was not committed yet is over when ALTER TABLE has the table, and is seen then.)
 */
async function reserveProductIds(db: Database, count: number): Promise<number> {
  for (;;) {
    const first = await nextId(db, 'product');
    await db.sequelize.query(`ALTER TABLE product AUTO_INCREMENT = ${first + count}`);
    if ((await nextId(db, 'product')) === first) return first;
  }
}

async function insertCategories(db: Database, transaction: Transaction, plans: CategoryPlan[]): Promise<number> {
  const first = await nextId(db, 'category', transaction);
  const [row] = await select<{ roots: number }>(
    db,
    'SELECT COALESCE(MAX(position) + 1, 0) AS roots FROM category WHERE parent_id IS NULL',
    [],
    transaction,
  );
  const roots = (row as { roots: number }).roots;
  const columns = ['id', 'category_name', 'slug', 'description', 'parent_id', 'position', 'created_at', 'updated_at'];
  const rows = plans.map(({ category_name, slug, description, parent, position }, index) => {
    const time = sqlTime(firstTime);
    const place = parent === null ? { parent: null, position: roots + position } : { parent: first + parent, position };
    return [first + index, category_name, slug, description, place.parent, place.position, time, time];
  });
  await insertRows(db, transaction, 'category', columns, rows);
  const terms = plans.map((plan, index): Row => [first + index, searchTextOf('category', plan)]);
  await insertRows(db, transaction, 'category_search', searchTextColumns, terms);
  return first;
}

async function insertTags(db: Database, transaction: Transaction): Promise<number> {
  const first = await nextId(db, 'tag', transaction);
  const time = sqlTime(firstTime);
  const rows = tagPlans.map(({ tag_name, slug }, index) => [first + index, tag_name, slug, time, time]);
  await insertRows(db, transaction, 'tag', ['id', 'tag_name', 'slug', 'created_at', 'updated_at'], rows);
  const terms = tagPlans.map((plan, index): Row => [first + index, searchTextOf('tag', plan)]);
  await insertRows(db, transaction, 'tag_search', searchTextColumns, terms);
  return first;
}

const searchTextColumns = ['id', 'terms'];

const productColumns = [
  'id',
  'product_name',
  'slug',
  'sku',
  'description',
  'status',
  'price',
  'stock',
  'category_id',
  'image_urls',
  'metadata',
  'created_at',
  'updated_at',
];

/** Rows of `product`, `product_search`, `product_tag` and `stock_movement` that belong together. */
interface Batch {
  products: Row[];
  terms: Row[];
  links: Row[];
  movements: Row[];
}

/** The products of a plan from index `from` up to but not including `to`, as rows; `first` holds the first id of each table. */
function batchOf(
  plan: CataloguePlan,
  from: number,
  to: number,
  first: { product: number; category: number; tag: number },
): Batch {
  const batch: Batch = { products: [], terms: [], links: [], movements: [] };
  for (let index = from; index < to; index++) {
    const product = productAt(plan, index);
    const id = first.product + index;
    batch.products.push([
      id,
      product.product_name,
      product.slug,
      product.sku,
      product.description,
      product.status,
      product.price,
      product.stock,
      product.category === null ? null : first.category + product.category,
      JSON.stringify(product.image_urls),
      JSON.stringify(product.metadata),
      product.created_at,
      product.updated_at,
    ]);
    batch.terms.push([id, searchTextOf('product', product)]);
    for (const tag of product.tags) batch.links.push([id, first.tag + tag]);
    const { stock, created_at } = product;
    if (stock !== 0) batch.movements.push([id, stock, stock, stockReasons.create, created_at]);
  }
  return batch;
}

async function insertBatch(
  db: Database,
  transaction: Transaction,
  { products, terms, links, movements }: Batch,
): Promise<void> {
  await insertRows(db, transaction, 'product', productColumns, products);
  await insertRows(db, transaction, 'product_search', searchTextColumns, terms);
  if (links.length > 0) await insertRows(db, transaction, 'product_tag', ['product_id', 'tag_id'], links);
  const columns = ['product_id', 'delta', 'stock', 'reason', 'created_at'];
  if (movements.length > 0) await insertRows(db, transaction, 'stock_movement', columns, movements);
}
