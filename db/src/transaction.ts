import { setTimeout as delay } from 'node:timers/promises';
import { inSpan } from '@shop/service-kit/tracing.ts';
import type { Database, Transaction } from './connection.ts';
import { isConflict, isUnavailable, LostRaceError } from './errors.ts';

const attempts = 12;

/**
 * Milliseconds after which no further attempt is made. A client that waits longer has been told so by the gateway, and
 * a write must not happen behind its back.
 */
const defaultPatience = 4_000;

/** Which attempt at its work a transaction is, counted from 1. */
const attemptOfTransaction = new WeakMap<Transaction, number>();

export const attemptOf = (transaction: Transaction): number => attemptOfTransaction.get(transaction) ?? 1;

/** Ends a transaction that was to be tried only. */
class DryRunEnd<T> extends Error {
  readonly result: T;

  constructor(result: T) {
    super('undone');
    this.result = result;
  }
}

/**
 * Runs `work` in one transaction: committed when it returns, undone when it throws. When it was undone because another
 * writer stood in its way (a deadlock, a lock that did not come, a {@link LostRaceError}), it is run again from the
 * start, after a pause that grows and varies: only the end of a transaction gives back what it has locked.
 * @param options.dryRun does all of this, and undoes it when `work` has returned
 * @param options.patience milliseconds after which no further attempt is made
 */
export async function inTransaction<T>(
  db: Database,
  work: (transaction: Transaction) => Promise<T>,
  { dryRun = false, patience = defaultPatience }: { dryRun?: boolean; patience?: number } = {},
): Promise<T> {
  const started = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await inSpan('transaction', { 'db.transaction.attempt': attempt }, () =>
        db.sequelize.transaction(async (transaction) => {
          attemptOfTransaction.set(transaction, attempt);
          const result = await work(transaction);
          if (dryRun) throw new DryRunEnd(result);
          return result;
        }),
      );
    } catch (error) {
      if (error instanceof DryRunEnd) return error.result as T;
      if (!isConflict(error) && !(error instanceof LostRaceError)) throw error;
      if (attempt === attempts || performance.now() - started > patience) throw error;
      await delay(Math.random() * 2 ** Math.min(attempt, 7));
    }
  }
}

/**
 * Runs `work` as a part of a transaction that can be undone alone: what it throws undoes what it has done, and nothing
 * before. Parts come one after the other, not inside one another. What ends the whole transaction is thrown on as it is.
 */
export async function inSavepoint<T>(db: Database, transaction: Transaction, work: () => Promise<T>): Promise<T> {
  // The next of the same name takes its place.
  await db.sequelize.query('SAVEPOINT part', { transaction });
  try {
    return await work();
  } catch (error) {
    // After a deadlock the server has undone everything already, savepoints and all.
    if (!isUnavailable(error)) await db.sequelize.query('ROLLBACK TO SAVEPOINT part', { transaction });
    throw error;
  }
}
