import type { Database } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';
import type { IntegrityCheck, Key } from './integrity-checks/check.ts';
import { referenceChecks } from './integrity-checks/reference.ts';
import { searchChecks } from './integrity-checks/search.ts';
import { stockChecks } from './integrity-checks/stock.ts';
import { treeChecks } from './integrity-checks/tree.ts';
import { uniquenessChecks } from './integrity-checks/uniqueness.ts';
import { valueChecks } from './integrity-checks/value.ts';

/** All that must hold, in an order in which a repair cannot break what an earlier one has mended. */
const checks: IntegrityCheck[] = [
  ...valueChecks,
  ...referenceChecks,
  ...stockChecks,
  ...treeChecks,
  ...uniquenessChecks,
  ...searchChecks,
];

/** How many rows a repair changes in one transaction. */
const stepSize = 500;

/** What one check came to. */
export interface Finding {
  what: string;
  remedy: string;
  /** How many rows broke the rule. */
  found: number;
  /** The keys of the first five: `17`, or `3/99` for a key of two columns. */
  examples: string[];
  /** How many of them still do. */
  left: number;
}

async function repairAll(db: Database, check: IntegrityCheck, keys: Key[]): Promise<void> {
  for (let start = 0; start < keys.length; start += stepSize) {
    const step = keys.slice(start, start + stepSize);
    await inTransaction(db, async (transaction) => {
      await check.lock(db, transaction, step);
      const wrong = await check.find(db, { transaction, keys: step });
      if (wrong.length > 0) await check.repair(db, transaction, wrong);
    });
  }
}

/**
 * Checks the data of a whole database, one rule after the other. What it finds is true of one moment each time, so the
 * services may run meanwhile. The schema is {@link verifySchema}'s.
 * @param options.repair mends what is found, in transactions of bounded size
 */
export async function* checkIntegrity(db: Database, { repair = false } = {}): AsyncGenerator<Finding> {
  for (const check of checks) {
    const keys = await check.find(db);
    if (repair) await repairAll(db, check, keys);
    yield {
      what: check.what,
      remedy: check.remedy,
      found: keys.length,
      examples: keys.slice(0, 5).map((key) => Object.values(key).join('/')),
      left: repair && keys.length > 0 ? (await check.find(db)).length : keys.length,
    };
  }
}
