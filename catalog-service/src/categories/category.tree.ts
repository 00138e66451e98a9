import { largestDepth } from '@shop/catalogue/category-tree.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { UnknownReferenceError } from '@shop/db/errors.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import { validationProblem } from '@shop/service-kit/validation.ts';

/**
 * Checks that a category may be put under `parentId`, in a transaction that has locked the tree.
 * @param id the category, or undefined for one that does not exist yet
 * @throws {UnknownReferenceError} there is no such parent
 * @throws {Problem} 409 `category_cycle`, or 400 when the tree would become too deep
 */
export async function checkParent(
  db: Database,
  transaction: Transaction,
  parentId: number,
  id?: number,
): Promise<void> {
  const ancestors = await select<{ id: number }>(
    db,
    `WITH RECURSIVE up (id, parent_id, distance) AS (
       SELECT id, parent_id, 0 FROM category WHERE id = $1
       UNION ALL
       SELECT category.id, category.parent_id, up.distance + 1 FROM up JOIN category ON category.id = up.parent_id
       WHERE up.distance < ${largestDepth}
     ) SELECT id FROM up`,
    [parentId],
    transaction,
  );
  if (ancestors.length === 0) throw new UnknownReferenceError([{ field: 'parent_id', ids: [parentId] }]);
  if (ancestors.some((ancestor) => ancestor.id === id)) {
    throw new Problem('category_cycle', `Category ${parentId} is category ${id} or inside it.`, {
      errors: [{ pointer: '/parent_id', code: 'category_cycle', detail: `is category ${id} or inside it` }],
    });
  }
  const height = id === undefined ? 1 : await heightOf(db, transaction, id);
  if (ancestors.length + height > largestDepth) {
    throw validationProblem([
      {
        pointer: '/parent_id',
        code: 'too_deep',
        detail: `would make the tree deeper than ${largestDepth}`,
        allowed: { maximum: largestDepth },
      },
    ]);
  }
}

/** How many levels a category's subtree has, itself included. */
async function heightOf(db: Database, transaction: Transaction, id: number): Promise<number> {
  const [row] = await select<{ height: number }>(
    db,
    `WITH RECURSIVE down (id, level) AS (
       SELECT id, 1 FROM category WHERE id = $1
       UNION ALL
       SELECT category.id, down.level + 1 FROM down JOIN category ON category.parent_id = down.id
       WHERE down.level < ${largestDepth}
     ) SELECT MAX(level) AS height FROM down`,
    [id],
    transaction,
  );
  return row?.height ?? 1;
}
