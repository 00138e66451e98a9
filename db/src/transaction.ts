import { setTimeout as delay } from 'node:timers/promises';
import type { Database, Transaction } from './connection.ts';
import { isConflict } from './errors.ts';

const attempts = 5;

/**
 * Runs `work` in one transaction: committed when it returns, undone when it throws. When the server undoes it because
 * of a deadlock or a lock that did not come, it is run again from the start, after a pause that grows and varies.
 */
export async function inTransaction<T>(db: Database, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.sequelize.transaction(work);
    } catch (error) {
      if (attempt === attempts || !isConflict(error)) throw error;
      await delay(Math.random() * 10 * 2 ** attempt);
    }
  }
}
