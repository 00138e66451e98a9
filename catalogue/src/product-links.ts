import {
  type Database,
  padded,
  placeholders,
  QueryTypes,
  select,
  type Transaction,
} from '@shop/db/connection/connection.ts';
import { UnknownReferenceError, violatedForeignKey } from '@shop/db/errors.ts';
import { insertRows } from '@shop/db/insert-rows.ts';
import type { ProductTagRow } from '@shop/db/models.ts';
import { missingIds, nextVersion } from '@shop/db/resource-table.ts';
import { piecesOf } from '@shop/db/steps.ts';

type Side = 'product_id' | 'tag_id';

/** What has to come and go for one product or one tag (`side` and `id`) to be linked to exactly certain others. */
export interface LinkChange {
  side: Side;
  id: number;
  come: number[];
  gone: number[];
}

const otherSide = (side: Side): Side => (side === 'product_id' ? 'tag_id' : 'product_id');

/** Compares the links of one product or one tag with `ids`, the ids on the other side that it is to be linked to. */
export async function linkChange(
  db: Database,
  transaction: Transaction,
  side: Side,
  id: number,
  ids: number[],
): Promise<LinkChange> {
  const [change] = await linkChanges(db, transaction, side, new Map([[id, ids]]));
  return change as LinkChange;
}

/** Compares the links of each product, or of each tag, with the ids that it is to be linked to: one statement. */
export async function linkChanges(
  db: Database,
  transaction: Transaction,
  side: Side,
  wanted: ReadonlyMap<number, number[]>,
): Promise<LinkChange[]> {
  if (wanted.size === 0) return [];
  const current = new Map([...wanted.keys()].map((id) => [id, new Set<number>()]));
  const bind = padded([...wanted.keys()]);
  const rows = await select<ProductTagRow>(
    db,
    `SELECT product_id, tag_id FROM product_tag WHERE ${side} IN (${placeholders(bind.length)})`,
    bind,
    transaction,
  );
  const other = otherSide(side);
  for (const row of rows) current.get(row[side])?.add(row[other]);
  return [...wanted].map(([id, ids]) => {
    const had = current.get(id) ?? new Set();
    const kept = new Set(ids);
    const [come, gone] = [ids.filter((one) => !had.has(one)), [...had].filter((one) => !kept.has(one))];
    return { side, id, come, gone };
  });
}

/**
 * Carries out changes of links: a statement for each that takes some away, and one or few for all that bring some.
 * @returns the ids of those that there was anything to change of
 * @throws {UnknownReferenceError} under `field` when an id on the other side does not exist
 */
export async function changeLinks(
  db: Database,
  transaction: Transaction,
  changes: LinkChange[],
  field: string,
): Promise<Set<number>> {
  const { product_tag } = db.models;
  for (const { side, id, gone } of changes) {
    if (gone.length > 0) await product_tag.destroy({ where: { [side]: id, [otherSide(side)]: gone }, transaction });
  }
  const links = changes
    .flatMap(({ side, id, come }) =>
      come.map((one): [number, number] => (side === 'product_id' ? [id, one] : [one, id])),
    )
    .toSorted(([product, tag], [otherProduct, otherTag]) => product - otherProduct || tag - otherTag);
  await insertRows(db, transaction, 'product_tag', ['product_id', 'tag_id'], links).catch(async (error) => {
    if (!violatedForeignKey(error)) throw error;
    // Somebody deleted one of them since they were looked up.
    const other = changes[0]?.side === 'product_id' ? 'tag' : 'product';
    const come = [...new Set(changes.flatMap((change) => change.come))];
    throw new UnknownReferenceError([{ field, ids: await missingIds(db, transaction, other, come) }]);
  });
  return new Set(changes.filter(({ come, gone }) => come.length + gone.length > 0).map(({ id }) => id));
}

/**
 * Gives a tag to products and takes it from others, and moves on the versions of those whose links change. The products are
 * locked first, and their links read then: who writes a product's tags holds its lock, too.
 * @returns the ids of the products that got it, and of those that lost it
 * @throws {UnknownReferenceError} under `field` when one of `add` does not exist
 */
export async function changeProductsOf(
  db: Database,
  transaction: Transaction,
  tagId: number,
  { add, remove }: { add: number[]; remove: number[] },
  field: string,
): Promise<{ come: number[]; gone: number[] }> {
  await lockProducts(db, transaction, [...add, ...remove]);
  const linked = await linkedProducts(db, transaction, tagId, [...add, ...remove]);
  const [come, gone] = [add.filter((id) => !linked.has(id)), remove.filter((id) => linked.has(id))];
  await touchProducts(db, transaction, [...come, ...gone]);
  await changeLinks(db, transaction, [{ side: 'tag_id', id: tagId, come, gone }], field);
  return { come, gone };
}

/**
 * Takes a tag from products and gives them another, which the transaction has locked, unless they have it already. Each moves
 * on by one version.
 * @returns the ids of the products that got the other, and of those that lost the first
 */
export async function moveProductsOf(
  db: Database,
  transaction: Transaction,
  { from, into }: { from: number; into: number },
  ids: number[],
): Promise<{ come: number[]; gone: number[] }> {
  await lockProducts(db, transaction, ids);
  const gone = [...(await linkedProducts(db, transaction, from, ids))];
  const linked = await linkedProducts(db, transaction, into, gone);
  const come = gone.filter((id) => !linked.has(id));
  await touchProducts(db, transaction, gone);
  const changes: LinkChange[] = [
    { side: 'tag_id', id: from, come: [], gone },
    { side: 'tag_id', id: into, come, gone: [] },
  ];
  await changeLinks(db, transaction, changes, 'into');
  return { come, gone };
}

/** In the order of ids, so that of two who lock some of the same products none waits for the other in turn. */
const inOrder = (ids: number[]): Generator<number[]> => piecesOf(ids.toSorted((a, b) => a - b));

/**
 * Locks products until the transaction ends. It is an UPDATE that changes nothing, because it needs no right but that to
 * `version`: tagging-service has no other, and MySQL wants more for SELECT … FOR UPDATE.
 */
async function lockProducts(db: Database, transaction: Transaction, ids: number[]): Promise<void> {
  for (const piece of inOrder(ids)) {
    const bind = padded(piece);
    const sql = `UPDATE product SET version = version WHERE id IN (${placeholders(bind.length)})`;
    await db.sequelize.query(sql, { type: QueryTypes.UPDATE, bind, transaction });
  }
}

/** Those of `ids` that have a tag. */
async function linkedProducts(
  db: Database,
  transaction: Transaction,
  tagId: number,
  ids: number[],
): Promise<Set<number>> {
  const linked = new Set<number>();
  for (const piece of piecesOf(ids)) {
    const bind = padded(piece);
    const rows = await select<{ id: number }>(
      db,
      `SELECT product_id AS id FROM product_tag
       WHERE tag_id = $1 AND product_id IN (${placeholders(bind.length, 2)})`,
      [tagId, ...bind],
      transaction,
    );
    for (const { id } of rows) linked.add(id);
  }
  return linked;
}

/** A change of a product's tags is a change of the product: moves on the version of each. */
async function touchProducts(db: Database, transaction: Transaction, ids: number[]): Promise<void> {
  for (const piece of inOrder(ids)) await db.models.product.update(nextVersion, { where: { id: piece }, transaction });
}

/** How many tags each product has, of those that have any. */
export async function linkCounts(
  db: Database,
  transaction: Transaction,
  productIds: number[],
): Promise<Map<number, number>> {
  if (productIds.length === 0) return new Map();
  const bind = padded(productIds);
  const sql = `SELECT product_id AS id, COUNT(*) AS count FROM product_tag
               WHERE product_id IN (${placeholders(bind.length)}) GROUP BY product_id`;
  const rows = await select<{ id: number; count: number }>(db, sql, bind, transaction);
  return new Map(rows.map(({ id, count }) => [id, count]));
}
