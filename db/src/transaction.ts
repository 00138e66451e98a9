import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Transaction } from './connection.ts';
import { isConflict, LostRaceError } from './errors.ts';

const attempts = 12;

/** Which attempt at its work a transaction is, counted from 1. */
const attemptOfTransaction = new WeakMap<Transaction, number>();

export const attemptOf = (transaction: Transaction): number => attemptOfTransaction.get(transaction) ?? 1;

/**
 * Runs `work` in one transaction: committed when it returns, undone when it throws. When it was undone because another
 * writer stood in its way (a deadlock, a lock that did not come, a {@link LostRaceError}), it is run again from the
 * start, after a pause that grows and varies: only the end of a transaction gives back what it has locked.
 */
export async function inTransaction<T>(db: Database, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.sequelize.transaction((transaction) => {
        attemptOfTransaction.set(transaction, attempt);
        return work(transaction);
      });
    } catch (error) {
      if (attempt === attempts || !(isConflict(error) || error instanceof LostRaceError)) throw error;
      await delay(Math.random() * 2 ** Math.min(attempt, 7));
    }
  }
}
