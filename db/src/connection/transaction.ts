import { setTimeout as delay } from 'node:timers/promises';
import { remaining } from '@shop/service-kit/deadline.ts';
import { inSpan } from '@shop/service-kit/tracing.ts';
import {
  DeadlineError,
  isConflict,
  isLost,
  isTimeUp,
  isUnavailable,
  isUnsent,
  LostRaceError,
  OutcomeUnknownError,
} from '../errors.ts';
import { type Database, select, silenceSeconds, type Transaction } from './connection.ts';

const attempts = 12;

/** Milliseconds after which no further attempt is made, where there is no deadline. */
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

const mayHelpToTryAgain = (error: unknown): boolean =>
  isConflict(error) || isLost(error) || error instanceof LostRaceError;

/**
 * Runs `work` in one transaction: committed when it returns, undone when it throws. When it was undone because another
 * writer stood in its way (a deadlock, a lock that did not come, a {@link LostRaceError}), or because its connection was lost
 * before the commit was sent, it is run again from the start while there is time, after a pause that grows and varies: only
 * the end of a transaction gives back what it has locked.
 * @param options.dryRun does all of this, and undoes it when `work` has returned
 * @param options.isRepeatable `work` does nothing the second time if it was committed the first time: so it is run again also
 * when that is not known
 * @throws {DeadlineError} the time is up, and nothing was changed; after a conflict with another writer, that conflict
 * @throws {OutcomeUnknownError} the connection was lost during the commit, and no other attempt could find out what became of it
 */
export async function inTransaction<T>(
  db: Database,
  work: (transaction: Transaction) => Promise<T>,
  { dryRun = false, isRepeatable = false }: { dryRun?: boolean; isRepeatable?: boolean } = {},
): Promise<T> {
  const left = remaining();
  const end = performance.now() + (Number.isFinite(left) ? left : defaultPatience);
  let conflict: unknown;
  /** How a commit was lost, of which no later attempt has found out what became of it. */
  let lostCommit: unknown;
  for (let attempt = 1; ; attempt++) {
    let isCommitting = false;
    try {
      return await inSpan('transaction', { 'db.transaction.attempt': attempt }, () =>
        db.sequelize.transaction(async (transaction) => {
          attemptOfTransaction.set(transaction, attempt);
          const result = await work(transaction);
          if (dryRun) throw new DryRunEnd(result);
          if (remaining() <= 0) throw new DeadlineError();
          isCommitting = true;
          return result;
        }),
      );
    } catch (error) {
      if (error instanceof DryRunEnd) return error.result as T;
      const isUnknown = isCommitting && !isConflict(error) && !isUnsent(error);
      if (isUnknown) lostCommit = error;
      const isAgain = isUnknown ? isRepeatable && isLost(error) : mayHelpToTryAgain(error);
      if (!isAgain || attempt === attempts || performance.now() > end) {
        const isStillUnknown = lostCommit !== undefined && (isUnavailable(error) || isTimeUp(error));
        if (isUnknown || isStillUnknown) throw new OutcomeUnknownError(lostCommit);
        // Prefer the lock conflict over the generic timeout.
        throw conflict !== undefined && isTimeUp(error) ? conflict : error;
      }
      if (isConflict(error)) conflict = error;
      await delay(Math.random() * 2 ** Math.min(attempt, 7));
    }
  }
}

/**
 * Keeps a transaction that has nothing to say while `work` is done on other connections: a session that is silent for too long
 * is ended by the server, and what it holds is undone.
 */
export async function whileKept<T>(db: Database, transaction: Transaction, work: () => Promise<T>): Promise<T> {
  // One that is lost is for the transaction's next statement to tell.
  const word = () => void select(db, 'SELECT 1', [], transaction).catch(() => {});
  const timer = setInterval(word, silenceSeconds * 250);
  try {
    return await work();
  } finally {
    clearInterval(timer);
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
    // After a deadlock the server has undone everything already, savepoints and all; and when the time is up, all will be.
    if (!isUnavailable(error) && !isTimeUp(error))
      await db.sequelize.query('ROLLBACK TO SAVEPOINT part', { transaction });
    throw error;
  }
}
