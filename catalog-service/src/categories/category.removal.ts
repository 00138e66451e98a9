import {
  type Database,
  padded,
  placeholders,
  QueryTypes,
  select,
  type Transaction,
} from '@shop/db/connection/connection.ts';
import type { CategoryRow } from '@shop/db/models.ts';
import { missingIds } from '@shop/db/resource-table.ts';
import type { Dependents, Effects } from '@shop/resources/write/steps.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import { type Category, type ProductPolicy, unknownTarget } from './category.schema.ts';

/** How many children are named whose names are taken. */
const mostTwins = 100;

/** What a deletion did, where it did nothing. */
export const noEffects = {
  products_detached: 0,
  products_reassigned: 0,
  products_deleted: 0,
  tags_detached: 0,
  children_moved: 0,
};

/**
 * Checks that a policy can be followed, in a transaction that has locked the tree and the category.
 * @throws {Problem} 409 `category_not_empty`, or 422 when there is no category to reassign the products to
 */
export async function checkPolicy(
  db: Database,
  transaction: Transaction,
  { id, product_count }: Category,
  policy: ProductPolicy,
): Promise<void> {
  if (policy.kind === 'reject' && product_count > 0) {
    throw new Problem('category_not_empty', `Category ${id} has ${product_count} products.`, {
      errors: [
        {
          parameter: 'products',
          code: 'category_not_empty',
          detail: `refused: the category has ${product_count} products`,
        },
      ],
    });
  }
  if (policy.kind === 'reassign') await lockTarget(db, transaction, policy.to);
}

/** Keeps the category that products are to go to. Before they are locked, as whoever puts a product into a category does. */
async function lockTarget(db: Database, transaction: Transaction, id: number): Promise<void> {
  if ((await missingIds(db, transaction, 'category', [id], { share: true })).length === 0) return;
  throw unknownTarget(id);
}

/** What is told of a deletion after which children would be beside categories that have their names. */
export async function twinsAbove(
  db: Database,
  transaction: Transaction,
  { id, parent_id }: Pick<CategoryRow, 'id' | 'parent_id'>,
): Promise<Problem> {
  const twins = await select<{ child: number; holder: number }>(
    db,
    `SELECT child.id AS child, holder.id AS holder FROM category AS child
     JOIN category AS holder ON holder.category_name = child.category_name AND holder.parent_id <=> $2 AND holder.id <> $1
     WHERE child.parent_id = $1 ORDER BY child.id LIMIT ${mostTwins}`,
    [id, parent_id],
    transaction,
  );
  return new Problem('duplicate', `Children of category ${id} would have the same names as their new siblings.`, {
    errors: twins.map(({ child, holder }) => ({
      code: 'duplicate',
      detail: `would move up child ${child}, whose name is taken by ${holder}`,
      id: holder,
    })),
  });
}

/** The products of a category, and what a policy does to them; undefined for one that touches none. */
export function productsUnder(db: Database, categoryId: number, policy: ProductPolicy): Dependents | undefined {
  if (policy.kind === 'reject') return undefined;
  return {
    left: async (after, limit, transaction) => {
      const sql = `SELECT id FROM product FORCE INDEX (product_in_category)
                   WHERE category_id = $1 AND id > $2 ORDER BY id LIMIT ${limit}`;
      const rows = await select<{ id: number }>(db, sql, [categoryId, after], transaction);
      return rows.map(({ id }) => id);
    },
    change: (transaction, ids) =>
      policy.kind === 'delete'
        ? deleteProducts(db, transaction, categoryId, ids)
        : moveProducts(db, transaction, categoryId, ids, policy),
    count: () => countProducts(db, categoryId, policy.kind),
  };
}

/**
 * Those products of `ids` that are still in the category, by the primary key: who changes a product locks its row first and the
 * entries of the other indexes after that, and so must this.
 */
const stillInCategory = (ids: number[]): string => `category_id = $1 AND id IN (${placeholders(ids.length, 2)})`;

async function moveProducts(
  db: Database,
  transaction: Transaction,
  categoryId: number,
  ids: number[],
  policy: ProductPolicy,
): Promise<Effects> {
  const to = policy.kind === 'reassign' ? policy.to : null;
  if (to !== null) await lockTarget(db, transaction, to);
  const listed = padded(ids);
  const sql = `UPDATE product FORCE INDEX (PRIMARY)
               SET category_id = $${listed.length + 2}, version = version + 1, updated_at = CURRENT_TIMESTAMP(3)
               WHERE ${stillInCategory(listed)}`;
  const bind = [categoryId, ...listed, to];
  const [, moved] = await db.sequelize.query(sql, { type: QueryTypes.UPDATE, bind, transaction });
  return { [to === null ? 'products_detached' : 'products_reassigned']: moved };
}

async function deleteProducts(
  db: Database,
  transaction: Transaction,
  categoryId: number,
  ids: number[],
): Promise<Effects> {
  const listed = padded(ids);
  const locked = await select<{ id: number }>(
    db,
    `SELECT id FROM product FORCE INDEX (PRIMARY) WHERE ${stillInCategory(listed)} ORDER BY id FOR UPDATE`,
    [categoryId, ...listed],
    transaction,
  );
  const { product, product_tag } = db.models;
  const id = locked.map((row) => row.id);
  const tags_detached = await product_tag.destroy({ where: { product_id: id }, transaction });
  return { products_deleted: await product.destroy({ where: { id }, transaction }), tags_detached };
}

async function countProducts(db: Database, categoryId: number, kind: ProductPolicy['kind']): Promise<Effects> {
  const number = async (from: string): Promise<number> => {
    const sql = `SELECT COUNT(*) AS count FROM product FORCE INDEX (product_in_category) ${from} WHERE category_id = $1`;
    return (await select<{ count: number }>(db, sql, [categoryId]))[0]?.count ?? 0;
  };
  const products = await number('');
  if (kind !== 'delete') return { [kind === 'detach' ? 'products_detached' : 'products_reassigned']: products };
  const tags_detached = await number('JOIN product_tag ON product_tag.product_id = product.id');
  return { products_deleted: products, tags_detached };
}
