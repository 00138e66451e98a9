import { type Database, padded, placeholders, select, type Transaction } from '@shop/db/connection/connection.ts';
import { bytesOf, fillIn, longColumns, type Measured, measuredColumns } from '@shop/db/long-columns.ts';
import type { ProductRow } from '@shop/db/models.ts';
import { piecesOf } from '@shop/db/steps.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { claim } from '@shop/service-kit/response-budget.ts';

/** How many products are embedded in a category or a tag. */
export const embeddedProducts = 50;

/** Bytes of products that are embedded in one category or tag, at the most. */
export const embeddedBytes = 2 ** 20;

/** How many products one statement reads: each length of a list is a prepared statement of its own, whose memory grows with it. */
const productsAtOnce = 1_024;

/**
 * Where the ids of the products of a category or a tag are found, by their parent's id and in the order of theirs, and where
 * they are counted. (MariaDB 10.11 scans the table when a prepared COUNT of a large category is run a second time, unless it
 * is told which index to count in.)
 */
const sources = {
  category: { table: 'product', index: 'product_in_category', key: 'category_id', id: 'id' },
  tag: { table: 'product_tag', index: 'product_tag_by_tag', key: 'tag_id', id: 'product_id' },
};
type Parent = keyof typeof sources;

/** Larger than any id of a product. */
const beyondIds = 2 ** 32 - 1;

/**
 * The ids of the first products of each of `count` parents, from the head of an index. The last one that is wanted of a parent
 * is looked up first, and then all up to that. The `+ 0` keeps both servers from looking up all entries of a parent by
 * equality: so they plan a range for each, whose end is the wanted one. A parent with 300,000 products costs no more than one
 * with 50 (docs/decisions/0018-bounded-responses.md).
 */
function headsSql(parent: Parent, count: number): string {
  const { table, index, key, id } = sources[parent];
  return `SELECT heads.parent, found.${id} AS id
    FROM (
      SELECT ${parent}.id AS parent, COALESCE((
        SELECT counted.${id} FROM ${table} AS counted WHERE counted.${key} = ${parent}.id
        ORDER BY counted.${key}, counted.${id} LIMIT 1 OFFSET ${embeddedProducts - 1}
      ), ${beyondIds}) AS last
      FROM ${parent} WHERE ${parent}.id IN (${placeholders(count)}) LIMIT ${count}
    ) AS heads
    STRAIGHT_JOIN ${table} AS found FORCE INDEX (${index})
      ON found.${key} BETWEEN heads.parent AND heads.parent + 0 AND found.${id} <= heads.last`;
}

/** The ids of the first {@link embeddedProducts} products, in their order, of each category or tag: one statement. */
export async function productIdsOf(
  db: Database,
  parent: Parent,
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, number[]>> {
  const found = new Map(ids.map((id) => [id, [] as number[]]));
  if (ids.length === 0) return found;
  const bind = padded(ids);
  const rows = await select<{ parent: number; id: number }>(db, headsSql(parent, bind.length), bind, transaction);
  for (const row of rows) found.get(row.parent)?.push(row.id);
  for (const products of found.values()) products.sort((a, b) => a - b);
  return found;
}

/** What is embedded in one category or tag: its first products, by id, and whether there would be more but for their bytes. */
export interface Embedded {
  products: ProductRow[];
  isCut: boolean;
}

/**
 * The first products, by id, of each category or tag: at most {@link embeddedProducts} of each, and of {@link embeddedBytes}.
 * They are read in the order of the parents and no further than a response has room: the last parents may have no entry, the
 * first has one.
 * @param parents with the bytes that each takes itself
 */
export async function productsOf(
  db: Database,
  parent: Parent,
  parents: { id: number; bytes: number }[],
  transaction?: Transaction,
): Promise<Embedded[]> {
  const ids = parents.map(({ id }) => id);
  const heads = await productIdsOf(db, parent, ids, transaction);
  const known = new Map<number, Measured<ProductRow>>();
  const pieces = piecesOf([...new Set(ids.flatMap((id) => heads.get(id) ?? []))], productsAtOnce);
  const unread = new Set([...heads.values()].flat());
  const embedded: { products: Measured<ProductRow>[]; isCut: boolean }[] = [];
  let room = responseBytes;
  for (const { id, bytes } of parents) {
    const head = heads.get(id) ?? [];
    while (head.some((product) => unread.has(product))) {
      const piece = pieces.next().value as number[];
      for (const row of await readMeasured(db, piece, transaction)) known.set(row.id, row);
      for (const product of piece) unread.delete(product);
    }
    const { taken, taking, isCut } = firstOf(head.flatMap((product) => known.get(product) ?? []));
    room -= bytes + taking;
    if (room < 0 && embedded.length > 0) break;
    embedded.push({ products: taken, isCut });
    claim(responseBytes - room);
  }
  const kept = [...new Set(embedded.flatMap(({ products }) => products))];
  await fillIn(db, 'product', kept, { columns: long, most: mostInline }, transaction);
  return embedded;
}

const long = longColumns.product ?? [];

/** Bytes above which a long value is read only once it is known that there is room for it. */
const mostInline = 2_048;

/** Products by id, without their long values. */
function readMeasured(db: Database, ids: number[], transaction?: Transaction): Promise<Measured<ProductRow>[]> {
  const bind = padded(ids);
  const short = Object.keys(db.models.product.getAttributes()).filter((column) => !long.includes(column));
  const columns = [...short, ...measuredColumns('product', long, `$${bind.length + 1}`)].join(', ');
  const sql = `SELECT ${columns} FROM product WHERE id IN (${placeholders(bind.length)})`;
  return select<Measured<ProductRow>>(db, sql, [...bind, mostInline], transaction);
}

/** The first of a parent's products that have room in it. */
function firstOf(rows: Measured<ProductRow>[]) {
  let taking = 0;
  const end = rows.findIndex((row) => {
    const bytes = bytesOf(row, long);
    if (taking + bytes > embeddedBytes) return true;
    taking += bytes;
    return false;
  });
  return { taken: end < 0 ? rows : rows.slice(0, end), taking, isCut: end >= 0 };
}

/** How many products each category or tag has: one statement that counts in an index, and sorts and keeps nothing. */
export async function productCounts(
  db: Database,
  parent: Parent,
  ids: number[],
  transaction?: Transaction,
): Promise<Map<number, number>> {
  if (ids.length === 0) return new Map();
  const { table, index, key } = sources[parent];
  const bind = padded(ids);
  const counts = await select<{ id: number; count: number }>(
    db,
    `SELECT id, (SELECT COUNT(*) FROM ${table} FORCE INDEX (${index}) WHERE ${key} = ${parent}.id) AS count
     FROM ${parent} WHERE id IN (${placeholders(bind.length)})`,
    bind,
    transaction,
  );
  return new Map(counts.map((row) => [row.id, row.count]));
}
