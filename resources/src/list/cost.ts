import type { Database } from '@shop/db/connection/connection.ts';
import { isTimeUp } from '@shop/db/errors.ts';
import { remaining, within, workingFor } from '@shop/service-kit/deadline.ts';
import { LaneError } from '@shop/service-kit/limited-lane.ts';
import { type Fault, Problem } from '@shop/service-kit/problem.ts';
import type { ListDeclaration } from './declaration.ts';
import { isFew, isInOrder } from './index-order.ts';
import type { ListRequest } from './request.ts';
import { routeOf } from './search-plan.ts';

const expense = (parameter: string, detail: string): Fault => ({ parameter, code: 'expensive', detail });

/**
 * What makes a request expensive where there are very many rows, and what to do instead; nothing for a cheap one, which reads
 * as many rows as it answers. `request` is the one that was prepared.
 */
export function expensesOf(declaration: ListDeclaration, request: ListRequest): Fault[] {
  const { filters, search, count, raw } = request;
  if (search !== undefined) return routeOf(declaration, request) === 'all' ? [searchExpense(request)] : [];
  if (isFew(declaration, request)) return [];
  const found = filters
    .filter(({ operator }) => operator === '_like')
    .map(({ field }) => expense(`${field}_like`, 'is looked for in every row: use q, or filter by =, _gte and _lte'));
  if (count) found.push(expense(countedBy(raw), 'every row is counted: page by _cursor, without _count'));
  if (found.length === 0 && !isInOrder(declaration, request)) {
    found.push(
      expense('_sort', `no index has these rows in this order: sort by ${sortable(declaration)}, with fewer filters`),
    );
  }
  return found;
}

/** The parameter that has all rows counted. */
const countedBy = (raw: ListRequest['raw']): string =>
  raw.map(([given]) => given).find((given) => ['_page', '_start', '_end'].includes(given)) ?? '_count';

/** Why a search that has to look at all rows does. */
const searchExpense = ({ count, raw }: ListRequest): Fault =>
  expense(
    'q',
    count
      ? `very many rows have these words, and ${countedBy(raw)} has all of them counted: page by _cursor without _count, or use rarer words`
      : 'very many rows have these words, and no index has them in the order of _sort: leave it out, or use rarer words',
  );

const sortable = ({ indexes, fields }: ListDeclaration): string =>
  [...new Set(indexes.flatMap(([first = '']) => (first in fields ? first : [])))].join(', ');

/** Milliseconds that an expensive read may take, waiting included; less, where less is left of its request. */
const longest = 3_000;

/**
 * Runs a read; an expensive one in the lane that is kept for such.
 * @throws {Problem} 503 that says what is expensive about it, when the lane is full or the read takes too long
 */
export async function inLane<T>({ guard }: Database, expenses: Fault[], read: () => Promise<T>): Promise<T> {
  if (!guard || expenses.length === 0) return read();
  const { lane } = guard;
  const end = performance.now() + Math.min(remaining(), longest);
  let leave: (() => void) | undefined;
  try {
    leave = await lane.enter(workingFor(), end - performance.now());
    return await within(end - performance.now(), read);
  } catch (error) {
    const refusal = isTimeUp(error) && remaining() > 0 ? lane.refusal() : error;
    if (!(refusal instanceof LaneError)) throw error;
    const detail =
      'This request is expensive, and was refused or stopped so that others are served. `errors` says what to change; or try again later.';
    throw new Problem('unavailable', detail, {
      headers: { 'Retry-After': String(refusal.retryAfter) },
      errors: expenses,
    });
  } finally {
    leave?.();
  }
}
