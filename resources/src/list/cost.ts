import type { Database } from '@shop/db/connection/connection.ts';
import { LaneError } from '@shop/db/errors.ts';
import { type Fault, Problem } from '@shop/service-kit/problem.ts';
import type { ListDeclaration } from './declaration.ts';
import { namesRows } from './query.ts';
import type { ListRequest } from './request.ts';

const expense = (parameter: string, detail: string): Fault => ({ parameter, code: 'expensive', detail });

/**
 * Whether the rows stand in one index in the order that is asked for: its first fields have one value each, the sort goes on
 * from there, and nothing else narrows but the range in which it begins.
 */
function isInOrder({ indexes, parameters = {} }: ListDeclaration, request: ListRequest): boolean {
  const { filters, sort } = request;
  const given = Object.entries(request.parameters).filter(
    ([name, value]) => parameters[name]?.where && value !== undefined,
  );
  const equal = [
    ...filters
      .filter(({ operator, values }) => operator === '' && new Set(values).size === 1)
      .map(({ field }) => field),
    ...given.filter(([, value]) => Array.isArray(value) && value.length === 1).map(([name]) => name),
  ];
  const ranges = filters.filter(({ operator }) => operator === '_gte' || operator === '_lte').map(({ field }) => field);
  if (equal.length + ranges.length < filters.length + given.length) return false;
  if (sort.some(({ descending }) => descending !== sort[0]?.descending)) return false;
  const isServedBy = (index: readonly string[]): boolean => {
    const order = [...index, 'id'].slice(equal.length);
    return (
      index.slice(0, equal.length).every((field) => equal.includes(field)) &&
      equal.length <= index.length &&
      sort.every(({ field }, position) => field === order[position]) &&
      ranges.every((field) => field === order[0])
    );
  };
  return indexes.some(isServedBy);
}

/**
 * What makes a request expensive where there are very many rows, and what to do instead; nothing for a cheap one, which reads
 * as many rows as it answers. `request` is the one that was prepared.
 */
export function expensesOf(declaration: ListDeclaration, request: ListRequest): Fault[] {
  const { filters, search, count, raw } = request;
  if (search !== undefined) return [expense('q', 'is looked for among all rows: use more and longer words')];
  if (filters.some((filter) => namesRows(declaration, filter))) return [];
  const found = filters
    .filter(({ operator }) => operator === '_like')
    .map(({ field }) => expense(`${field}_like`, 'is looked for in every row: use q, or filter by =, _gte and _lte'));
  if (count) {
    const name = raw.map(([given]) => given).find((given) => ['_page', '_start', '_end'].includes(given));
    found.push(expense(name ?? '_count', 'every row is counted: page by _cursor, without _count'));
  }
  if (found.length === 0 && !isInOrder(declaration, request)) {
    found.push(
      expense('_sort', `no index has these rows in this order: sort by ${sortable(declaration)}, with fewer filters`),
    );
  }
  return found;
}

const sortable = ({ indexes, fields }: ListDeclaration): string =>
  [...new Set(indexes.flatMap(([first = '']) => (first in fields ? first : [])))].join(', ');

/**
 * Runs a read; an expensive one in the lane that is kept for such.
 * @throws {Problem} 503 that says what is expensive about it, when the lane is full or the read takes too long
 */
export async function inLane<T>({ guard }: Database, expenses: Fault[], read: () => Promise<T>): Promise<T> {
  if (!guard || expenses.length === 0) return read();
  try {
    return await guard.lane.run(read);
  } catch (error) {
    if (!(error instanceof LaneError)) throw error;
    const detail =
      'This request is expensive, and was refused or stopped so that others are served. `errors` says what to change; or try again later.';
    throw new Problem('unavailable', detail, { headers: { 'Retry-After': '1' }, errors: expenses });
  }
}
