import type { Transaction } from '@shop/db/connection/connection.ts';
import { inSavepoint } from '@shop/db/connection/transaction.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import type { BatchWork, ResourceStore } from '../resource-store.ts';
import { translateDatabaseError } from '../translate.ts';
import { roomOf } from '../write/response-room.ts';
import { settlementAtOnce } from '../write/settlement.ts';
import type { ServiceContext } from '../write/write.ts';

/** What became of one operation of a batch: what the store answered, or why it was refused. */
export type Outcome<T> = { resource: T } | { problem: Problem };

/** The outcomes of a batch, in the order of its operations. */
export interface BatchOutcomes<Item, Removed> {
  create: Outcome<Item>[];
  update: Outcome<Item>[];
  remove: Outcome<Removed>[];
  /** The version that each resource had before the batch, of those that it names. */
  versions: Map<number, number>;
}

/** Fewer operations than this are done one by one when one of them has been refused. */
const smallGroup = 32;

/** The refusal in an error that one operation has met; all other errors are those of the whole batch. */
function refusalIn(error: unknown): Problem {
  const problem = error instanceof Problem ? error : translateDatabaseError(error);
  if (!problem || problem.status >= 500) throw error;
  return problem;
}

/** Operations in their order, cut before each that has the id of an earlier one. */
function runsOfDistinct<T extends { id: number }>(operations: T[]): T[][] {
  const runs: T[][] = [];
  let seen = new Set<number>();
  for (const operation of operations) {
    if (runs.length === 0 || seen.has(operation.id)) {
      runs.push([]);
      seen = new Set();
    }
    runs.at(-1)?.push(operation);
    seen.add(operation.id);
  }
  return runs;
}

/**
 * Does what a batch is made of: deletes, then updates, then creates, so that what frees a name comes before what takes it. An
 * operation that is refused undoes itself alone. Many are done together where the store can do that; when they are refused,
 * they are done again by halves, until the one that is at fault stands alone.
 * @param resource.removalQuery what every delete is told
 * @param resource.missing makes the problem of an id that is not there
 * @throws whatever is no refusal of one operation, such as a deadlock: it ends the transaction
 */
export async function doBatch<Item, Create, Update, Removed>(
  { db, stepSize }: ServiceContext,
  transaction: Transaction,
  {
    store,
    removalQuery,
    missing,
  }: {
    store: ResourceStore<Item, Create, Update, Removed>;
    removalQuery: unknown;
    missing(id: number): Problem;
  },
  work: BatchWork<Create, Update>,
): Promise<BatchOutcomes<Item, Removed>> {
  async function settle<T, R>(
    operations: T[],
    one: (operation: T) => Promise<Outcome<R>>,
    many: ((operations: T[]) => Promise<Outcome<R>[]>) | undefined,
  ): Promise<Outcome<R>[]> {
    const [first] = operations;
    if (first === undefined) return [];
    const together = many && operations.length > 1 ? many : undefined;
    if (together || operations.length === 1) {
      try {
        return await inSavepoint(db, transaction, async () => (together ? together(operations) : [await one(first)]));
      } catch (error) {
        const problem = refusalIn(error);
        if (operations.length === 1) {
          // It may show the resource as it is.
          roomOf(transaction)?.take(problem.members);
          return [{ problem }];
        }
      }
    }
    const size = together && operations.length >= smallGroup ? Math.ceil(operations.length / 2) : 1;
    const outcomes: Outcome<R>[] = [];
    for (let start = 0; start < operations.length; start += size) {
      outcomes.push(...(await settle(operations.slice(start, start + size), one, many)));
    }
    return outcomes;
  }
  const done = <R>(resource: R): Outcome<R> => {
    roomOf(transaction)?.take(resource);
    return { resource };
  };
  const found = <R>(resource: R | undefined, id: number): Outcome<R> =>
    resource === undefined ? { problem: missing(id) } : done(resource);

  const versions = await store.lock(transaction, work);
  const { createMany, updateMany, removeMany } = store;
  const remove: Outcome<Removed>[] = [];
  for (const run of runsOfDistinct(work.remove)) {
    const outcomes = await settle(
      run,
      async ({ id, check }) => {
        const settlement = settlementAtOnce(store.dependents?.(id, removalQuery), stepSize);
        return found(await store.remove(transaction, id, check, { query: removalQuery, settlement }), id);
      },
      removeMany &&
        (async (removals) =>
          (await removeMany(transaction, removals)).map((item, index) => found(item, removals[index]?.id as number))),
    );
    remove.push(...outcomes);
  }
  const update: Outcome<Item>[] = [];
  for (const run of runsOfDistinct(work.update)) {
    const outcomes = await settle(
      run,
      async ({ id, changes, check }) => found(await store.update(transaction, id, changes, check), id),
      updateMany &&
        (async (updates) =>
          (await updateMany(transaction, updates)).map((item, index) => found(item, updates[index]?.id as number))),
    );
    update.push(...outcomes);
  }
  const create = await settle(
    work.create,
    async (input): Promise<Outcome<Item>> => done(await store.create(transaction, input)),
    createMany && (async (inputs) => (await createMany(transaction, inputs)).map(done)),
  );
  return { create, update, remove, versions };
}
