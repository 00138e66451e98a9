import { type Database, placeholders, QueryTypes, select, type Transaction } from './connection.ts';
import { UnknownReferenceError, violatedForeignKey } from './errors.ts';
import { missingIds, nextVersion } from './resource-table.ts';
import { piecesOf } from './steps.ts';

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
  const other = otherSide(side);
  const rows = await select<{ id: number }>(
    db,
    `SELECT ${other} AS id FROM product_tag WHERE ${side} = $1`,
    [id],
    transaction,
  );
  const current = new Set(rows.map((row) => row.id));
  const wanted = new Set(ids);
  const [come, gone] = [ids.filter((one) => !current.has(one)), [...current].filter((one) => !wanted.has(one))];
  return { side, id, come, gone };
}

/**
 * Carries out a change of links.
 * @returns whether there was anything to change
 * @throws {UnknownReferenceError} under `field` when an id on the other side does not exist
 */
export async function changeLinks(
  db: Database,
  transaction: Transaction,
  { side, id, come, gone }: LinkChange,
  field: string,
): Promise<boolean> {
  const other = otherSide(side);
  const { product_tag } = db.models;
  if (gone.length > 0) await product_tag.destroy({ where: { [side]: id, [other]: gone }, transaction });
  if (come.length > 0) {
    const links = come.toSorted((a, b) => a - b).map((one) => ({ [side]: id, [other]: one }));
    await product_tag.bulkCreate(links, { transaction }).catch(async (error) => {
      if (!violatedForeignKey(error)) throw error;
      // Somebody deleted one of them since they were looked up.
      const ids = await missingIds(db, transaction, other === 'tag_id' ? 'tag' : 'product', come);
      throw new UnknownReferenceError([{ field, ids }]);
    });
  }
  return gone.length + come.length > 0;
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
  await changeLinks(db, transaction, { side: 'tag_id', id: tagId, come, gone }, field);
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
  await changeLinks(db, transaction, { side: 'tag_id', id: from, come: [], gone }, 'into');
  await changeLinks(db, transaction, { side: 'tag_id', id: into, come, gone: [] }, 'into');
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
    const sql = `UPDATE product SET version = version WHERE id IN (${placeholders(piece.length)})`;
    await db.sequelize.query(sql, { type: QueryTypes.UPDATE, bind: piece, transaction });
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
    const rows = await select<{ id: number }>(
      db,
      `SELECT product_id AS id FROM product_tag
       WHERE tag_id = $1 AND product_id IN (${placeholders(piece.length, 2)})`,
      [tagId, ...piece],
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

/** The tags of each product, by tag id: one statement. */
export async function tagsOf<Row extends object>(
  db: Database,
  productIds: number[],
  columns: string[],
  transaction?: Transaction,
): Promise<Map<number, Row[]>> {
  const found = new Map(productIds.map((id) => [id, [] as Row[]]));
  if (productIds.length === 0) return found;
  const rows = await select<Row & { product_id: number }>(
    db,
    `SELECT product_tag.product_id, ${columns.map((column) => `tag.${column}`).join(', ')}
     FROM product_tag JOIN tag ON tag.id = product_tag.tag_id
     WHERE product_tag.product_id IN (${placeholders(productIds.length)})
     ORDER BY product_tag.product_id, product_tag.tag_id`,
    productIds,
    transaction,
  );
  for (const row of rows) found.get(row.product_id)?.push(row);
  return found;
}
