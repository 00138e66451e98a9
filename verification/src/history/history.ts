import { randomBytes } from 'node:crypto';
import { requestUntilAnswered } from '@shop/testing/retry.ts';
import fc from 'fast-check';
import { delivery, HistoryClient, type Step } from './client.ts';
import { type Exchange, lineOf } from './exchange.ts';
import { linearise } from './linearise.ts';
import type { Known } from './operation.ts';
import { wholeList } from './operations/crud.ts';
import { operationNamed, operations } from './operations/table.ts';
import type { ResourceName } from './state.ts';

/** A random history: what is there when it begins, and what each client then does while the others do theirs. */
interface Plan {
  rows: Record<ResourceName, number>;
  clients: Step[][];
}

const step: fc.Arbitrary<Step> = fc
  .oneof(
    ...operations.map((one) => ({
      weight: one.weight,
      arbitrary: fc.tuple(fc.constant(one), one.parameters, delivery),
    })),
  )
  .map(([operation, parameters, delivery]) => ({ operation, parameters, delivery }));

const some = fc.integer({ min: 1, max: 3 });
const plan: fc.Arbitrary<Plan> = fc.record({
  rows: fc.record({ categories: some, products: some, tags: some }),
  clients: fc.array(fc.array(step, { minLength: 1, maxLength: 8, size: 'max' }), {
    minLength: 1,
    maxLength: 5,
    size: 'max',
  }),
});

const resources: ResourceName[] = ['categories', 'products', 'tags'];

/** What the rows are made of that are there when a history begins. */
const firstRow: Record<ResourceName, (at: number) => Record<string, unknown>> = {
  categories: (at) => ({ category_name: `first ${at}`, parent_id: at === 0 ? null : 0 }),
  products: (at) => ({ product_name: 'first', price: 1, stock: 3, category_id: at, tagIds: [at] }),
  tags: (at) => ({ tag_name: `first ${at}` }),
};

/** A plan that is being carried out. */
async function perform(url: string, { rows, clients }: Plan, faults: boolean): Promise<Exchange[]> {
  const known: Known = {
    prefix: `h${randomBytes(4).toString('hex')}`,
    ids: { categories: [], products: [], tags: [] },
    seen: new Map(),
  };
  const first = new HistoryClient('first', url, known, { faults });
  const exchanges: Exchange[] = [];
  try {
    for (const resource of ['categories', 'tags', 'products'] as const) {
      for (let at = 0; at < rows[resource]; at++) {
        const operation = operationNamed(`create ${resource}`);
        exchanges.push(await first.perform({ operation, parameters: firstRow[resource](at), delivery: 'plain' }));
      }
    }
    const runs = clients.map(async (steps, index) => {
      const own = { ...known, seen: new Map(known.seen) };
      const client = new HistoryClient(`client ${index + 1}`, url, own, { faults });
      for (const one of steps) exchanges.push(await client.perform(one));
    });
    await Promise.all(runs);
    const last = new HistoryClient('last', url, known, { faults });
    for (const resource of resources) {
      exchanges.push(await last.perform({ operation: wholeList(resource), parameters: null, delivery: 'plain' }));
    }
    for (const at of known.ids.products.keys()) {
      exchanges.push(await last.perform({ operation: operationNamed('movements'), parameters: at, delivery: 'plain' }));
    }
    return exchanges;
  } finally {
    for (const resource of resources) {
      for (const id of known.ids[resource].toReversed()) {
        await requestUntilAnswered(`${url}/api/${resource}/${id}`, { method: 'DELETE' });
      }
    }
  }
}

const isWrite = ({ request }: Exchange): boolean => request.method !== 'GET';

/**
 * Leaves out what has changed nothing, as long as what is left cannot be explained: if the system were right, that would be no
 * harder to explain without.
 */
function reduced(exchanges: Exchange[]): Exchange[] {
  return exchanges.reduceRight((left, exchange) => {
    const { answer, dryRun } = exchange;
    if (isWrite(exchange) && answer.status < 300 && !dryRun) return left;
    const without = left.filter((other) => other !== exchange);
    return linearise(without).stuck.length > 0 ? without : left;
  }, exchanges);
}

/** What is wrong with a history, and what happened in it; undefined when one request after the other explains it. */
export function faultOf(exchanges: Exchange[]): string | undefined {
  const hasFlaw = exchanges.some(({ flaw }) => flaw);
  if (!hasFlaw && linearise(exchanges).stuck.length === 0) return undefined;
  const told = (hasFlaw ? exchanges.filter(isWrite) : reduced(exchanges)).toSorted((a, b) => a.sent - b.sent);
  const number = (exchange: Exchange) => told.indexOf(exchange) + 1;
  const start = told[0]?.sent ?? 0;
  const lines = told.map((exchange) => `${String(number(exchange)).padStart(4)}  ${lineOf(exchange, start)}`);
  if (hasFlaw) {
    const flaws = told.filter(({ flaw }) => flaw).map((exchange) => `${number(exchange)}: ${exchange.flaw}`);
    return [...lines, '', ...flaws].join('\n');
  }
  const { order, stuck } = linearise(told);
  const longest = order.map(number).join(', ') || 'none';
  return [
    ...lines,
    '',
    `No order explains these answers. The longest that explains some: ${longest}. What could come next does not fit:`,
    ...stuck.map(({ exchange, reason }) => `${number(exchange)}: ${reason}`),
  ].join('\n');
}

export interface HistoryOptions {
  /** Where randomness begins. */
  seed: number;
  rounds: number;
  /** Whether services are killed meanwhile. */
  faults?: boolean;
  /** Milliseconds after which no further round begins. */
  timeLimit?: number;
}

/** What random histories have come to. */
export interface HistoryResult {
  rounds: number;
  requests: number;
  /** How many of them had to be sent again. */
  retried: number;
  /** The smallest history that was found to be wrong, with the seed that leads to it. */
  failure?: string;
}

/** How often a smaller plan is tried before it counts as right: a race is not lost every time. */
const triesOfSmaller = 5;
/** Milliseconds for which a smaller one is looked for. */
const shrinkingTime = 30_000;

/**
 * Carries out random histories, one after the other, against a running gateway, and deletes what they have made. The first one
 * that is wrong is made smaller, as far as a smaller one is wrong, too.
 */
export async function runHistories(
  url: string,
  { seed, rounds, faults = false, timeLimit = Number.POSITIVE_INFINITY }: HistoryOptions,
): Promise<HistoryResult> {
  const result: HistoryResult = { rounds: 0, requests: 0, retried: 0 };
  const started = performance.now();
  const isOver = () => performance.now() - started > timeLimit;
  const check = async (one: Plan, tries: number) => {
    for (let attempt = 0; attempt < tries; attempt++) {
      const exchanges = await perform(url, one, faults);
      result.rounds += 1;
      result.requests += exchanges.length;
      result.retried += exchanges.filter(({ retries }) => retries > 0).length;
      const fault = faultOf(exchanges);
      if (fault) throw new Error(fault);
    }
  };
  const found = await fc.check(
    fc.asyncProperty(plan, async (one) => {
      // (fast-check's own limit would let a history that hangs pass.)
      if (!isOver()) await check(one, 1);
    }),
    { seed, numRuns: rounds, endOnFailure: true },
  );
  if (!found.failed) return result;
  const smaller = await fc.check(
    fc.asyncProperty(plan, (one) => check(one, triesOfSmaller)),
    { seed, path: found.counterexamplePath ?? '', numRuns: 1, interruptAfterTimeLimit: shrinkingTime },
  );
  const error = (smaller.errorInstance ?? found.errorInstance) as Error;
  return { ...result, failure: `HISTORY_SEED=${seed}\n${error.message}` };
}
