import { type Database, placeholders, select, type Transaction } from './connection.ts';
import { UnknownReferenceError, violatedForeignKey } from './errors.ts';
import { missingIds, nextVersion } from './resource-table.ts';

type Side = 'product_id' | 'tag_id';

/**
 * Makes the links of one product or one tag exactly those to `ids`.
 * @param side which of the two `id` is
 * @returns the ids on the other side whose link came or went
 * @throws {UnknownReferenceError} under `field` when an id on the other side does not exist
 */
export async function replaceLinks(
  db: Database,
  transaction: Transaction,
  { side, id, ids, field }: { side: Side; id: number; ids: number[]; field: string },
): Promise<number[]> {
  const other: Side = side === 'product_id' ? 'tag_id' : 'product_id';
  const rows = await select<Record<Side, number>>(
    db,
    `SELECT product_id, tag_id FROM product_tag WHERE ${side} = $1`,
    [id],
    transaction,
  );
  const current = new Set(rows.map((row) => row[other]));
  const wanted = new Set(ids);
  const gone = [...current].filter((value) => !wanted.has(value));
  const come = ids.filter((value) => !current.has(value));
  if (gone.length > 0) await db.models.product_tag.destroy({ where: { [side]: id, [other]: gone }, transaction });
  if (come.length > 0) {
    const links = come.toSorted((a, b) => a - b).map((value) => ({ [side]: id, [other]: value }));
    await db.models.product_tag.bulkCreate(links, { transaction }).catch(async (error) => {
      if (!violatedForeignKey(error)) throw error;
      // Somebody deleted one of them since they were looked up.
      const table = other === 'tag_id' ? 'tag' : 'product';
      const missing = await missingIds(db, transaction, table, come);
      throw new UnknownReferenceError([{ field, ids: missing }]);
    });
  }
  return [...gone, ...come];
}

/** A change of a product's tags is a change of the product: moves on the version of each. */
export async function touchProducts(db: Database, transaction: Transaction, ids: number[]): Promise<void> {
  if (ids.length === 0) return;
  const ordered = ids.toSorted((a, b) => a - b);
  await db.models.product.update(nextVersion, { where: { id: ordered }, transaction });
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
