import type { Database, Transaction } from '@shop/db/connection/connection.ts';
import { inTransaction, whileKept } from '@shop/db/connection/transaction.ts';
import { isConflict, isTimeUp } from '@shop/db/errors.ts';
import { defaultStepSize } from '@shop/db/steps.ts';
import { remaining, workingFor } from '@shop/service-kit/deadline.ts';
import { FairQueue } from '@shop/service-kit/fair-queue.ts';
import { Problem, unavailable } from '@shop/service-kit/problem.ts';
import type { Reply } from '@shop/service-kit/route.ts';
import { translateDatabaseError } from '../translate.ts';
import { changeAll, changeInSteps, type Dependents, type Effects, sumOf } from './steps.ts';

/** The share of its time after which a request begins no further step, and that time where there is no deadline, in ms. */
const steps = { share: 0.75, time: 10_000 };

/** What the work of a write does with the dependents of its resource. */
export interface Settlement {
  /** Changes those that are left. It says what this request has done to them in all. */
  settle(transaction: Transaction): Promise<Effects>;
  /** They are too many to be changed for a try: the row that they refer to must stay where it is. */
  isRehearsal: boolean;
  /** What the answer would have been before the first step. */
  before?: Reply | undefined;
}

/** How a write is run. */
export interface Run {
  db: Database;
  /** How many dependents a step changes; more than that are changed in steps. */
  stepSize: number | undefined;
  dependents: Dependents | undefined;
  dryRun: boolean;
  /** It does nothing the second time, because it has an idempotency key. */
  isRepeatable: boolean;
  /** The answer of the first time, where it has been done already. For one that has a key. */
  kept: ((transaction: Transaction) => Promise<Reply | undefined>) | undefined;
  /** Goes around the work, in its transaction. */
  wrap(transaction: Transaction, work: () => Promise<Reply>): Promise<Reply>;
  work(transaction: Transaction, settlement: Settlement): Promise<Reply>;
}

/** All dependents in the transaction of the write, `size` in a statement. */
export const settlementAtOnce = (dependents: Dependents | undefined, size = defaultStepSize): Settlement => ({
  isRehearsal: false,
  settle: async (transaction) => (dependents ? changeAll(transaction, dependents, size) : {}),
});

/**
 * Runs a write in one transaction. Where its resource has more dependents than one step changes, these are changed ahead of its
 * last moment, in steps, after a rehearsal has shown that nothing refuses the write.
 * @throws what `work` throws; once steps have been done, as a {@link Problem} that says so under `effects`
 * @throws {Problem} 503 when the time was up before all steps were done: the same request then goes on
 * @see docs/decisions/0012-large-deletes.md
 */
export async function runWrite({
  db,
  stepSize = defaultStepSize,
  dependents,
  dryRun,
  isRepeatable,
  kept,
  wrap,
  work,
}: Run): Promise<Reply> {
  const inOne = (settlement: Settlement) =>
    inTransaction(db, (transaction) => wrap(transaction, () => work(transaction, settlement)), {
      dryRun,
      isRepeatable,
    });

  const rest = settlementAtOnce(dependents, stepSize);
  const isLarge = dependents && (await dependents.left(0, stepSize + 1)).length > stepSize;
  if (!isLarge) return inOne(rest);

  if (dryRun) {
    const counted = await dependents.count();
    return inOne({ isRehearsal: true, settle: async () => counted });
  }

  // Ahead of its turn: who has to wait for the first, or is told what that has done, need not wait for others.
  const known = kept && (await inTransaction(db, kept));
  if (known) return known;

  const until = performance.now() + steps.share * Math.min(remaining(), steps.time);
  return inTurn(workingFor(), async () => {
    if (performance.now() > until) throw tooLong();
    let before: Reply | undefined;
    let done: Effects = {};
    const whole = async (transaction: Transaction): Promise<Reply> => {
      const rehearse = (rehearsal: Transaction) => work(rehearsal, { isRehearsal: true, settle: async () => ({}) });
      const isDone = await whileKept(db, transaction, async () => {
        before ??= await inTransaction(db, rehearse, { dryRun: true });
        return changeInSteps(db, dependents, {
          size: stepSize,
          until,
          onStep: (effects) => {
            done = sumOf(done, effects);
          },
        });
      });
      if (!isDone) throw tooLong();
      const settle = async () => sumOf(done, await rest.settle(transaction));
      return work(transaction, { isRehearsal: false, settle, before });
    };
    try {
      return await inTransaction(db, (transaction) => wrap(transaction, () => whole(transaction)), {
        isRepeatable,
      });
    } catch (error) {
      if (Object.keys(done).length === 0) throw error;
      const isLate = isTimeUp(error) || isConflict(error);
      const problem = isLate ? tooLong() : error instanceof Problem ? error : translateDatabaseError(error);
      if (!problem) throw error;
      problem.members.effects = done;
      throw problem;
    }
  });
}

const tooLong = (): Problem => unavailable('Not complete yet. Repeat the request to continue.');

/** One that waits for its turn. */
interface Waiting {
  client: string;
  begin(): void;
}

const waiting = new FairQueue<Waiting>();
let isTaken = false;

/**
 * One after the other, and clients have turns. A write in steps holds a connection for its idempotency key while the steps use others:
 * many at once would have taken all connections, and each wait for one more.
 */
async function inTurn<T>(client: string, work: () => Promise<T>): Promise<T> {
  if (isTaken) await new Promise<void>((begin) => waiting.add({ client, begin }));
  isTaken = true;
  try {
    return await work();
  } finally {
    const next = waiting.take();
    if (next) next.begin();
    else isTaken = false;
  }
}
