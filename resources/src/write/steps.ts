import type { Database, Transaction } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';

/** What was done, by name and number: `{ products_detached: 3 }`. */
export type Effects = Record<string, number>;

/** The rows that refer to one row and are changed before it goes. There may be any number of them. */
export interface Dependents {
  /** The ids of those that are left, above `after`, in their order, `limit` at the most. */
  left(after: number, limit: number, transaction?: Transaction): Promise<number[]>;
  /** Changes these, as far as they still refer to the row once they are locked. */
  change(transaction: Transaction, ids: number[]): Promise<Effects>;
  /** What `change` would do to all that are left. */
  count(): Promise<Effects>;
}

/** Both together. */
export function sumOf(one: Effects, other: Effects): Effects {
  const sum = { ...one };
  for (const [name, number] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + number;
  return sum;
}

/**
 * Changes all dependents in a transaction that has locked the row that they refer to, so that no more can come.
 * @param size how many in a statement
 */
export async function changeAll(transaction: Transaction, dependents: Dependents, size: number): Promise<Effects> {
  let effects: Effects = {};
  for (let after = 0; ; ) {
    const ids = await dependents.left(after, size, transaction);
    if (ids.length > 0) effects = sumOf(effects, await dependents.change(transaction, ids));
    if (ids.length < size) return effects;
    after = ids.at(-1) as number;
  }
}

/**
 * Changes dependents in steps, each of which is a transaction of its own, until less than one step is left.
 * @param options.size how many in a step
 * @param options.until when no further step is begun, on the clock of `performance`
 * @param options.onStep is told what a step has done, once that is committed
 * @returns false when the time was up before that
 * @see docs/decisions/0012-large-deletes.md
 */
export async function changeInSteps(
  db: Database,
  dependents: Dependents,
  { size, until, onStep }: { size: number; until: number; onStep: (effects: Effects) => void },
): Promise<boolean> {
  for (let after = 0; ; ) {
    const ids = await dependents.left(after, size);
    if (ids.length < size) {
      if (after === 0) return true;
      // Once more from the first: others may have come meanwhile.
      after = 0;
      continue;
    }
    if (performance.now() > until) return false;
    onStep(await inTransaction(db, (transaction) => dependents.change(transaction, ids)));
    after = ids.at(-1) as number;
  }
}
