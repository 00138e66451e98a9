import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';

/** The most levels that the tree of categories has; a root is at depth 1. */
export const largestDepth = 32;

/**
 * Locks the shape of the tree until the transaction ends: who moves categories excludes every other move; who only adds
 * a leaf excludes moves, but not other leaves.
 */
export async function lockTree(db: Database, transaction: Transaction, mode: 'move' | 'grow'): Promise<void> {
  const lock = mode === 'move' ? 'FOR UPDATE' : 'LOCK IN SHARE MODE';
  await select(db, `SELECT name FROM mutex WHERE name = 'category_tree' ${lock}`, [], transaction);
}
