import type { ListDeclaration } from './declaration.ts';
import { namesRows } from './query.ts';
import type { Filter, ListRequest, SortKey } from './request.ts';

/** What narrows a list, and its order. */
export type Narrowing = Pick<ListRequest, 'filters' | 'parameters' | 'sort'>;

/** The parameters of a request that are conditions, by name. */
const conditionsOf = ({ parameters: known = {} }: ListDeclaration, { parameters }: Pick<Narrowing, 'parameters'>) =>
  Object.entries(parameters).filter(([name, value]) => known[name]?.where && value !== undefined);

const isEqual = ({ operator, values }: Filter): boolean => operator === '' && new Set(values).size === 1;
const isRange = ({ operator }: Filter): boolean => operator === '_gte' || operator === '_lte';

/** Whether at most as many rows as values are left. */
export const isFew = (declaration: ListDeclaration, { filters }: Pick<Narrowing, 'filters'>): boolean =>
  filters.some((filter) => namesRows(declaration, filter));

/** Whether a request has any condition but a search. */
export const isNarrowed = (declaration: ListDeclaration, request: Pick<Narrowing, 'filters' | 'parameters'>): boolean =>
  request.filters.length > 0 || conditionsOf(declaration, request).length > 0;

/**
 * Whether the rows stand in one index in the order that is asked for: its first fields have one value each, the sort goes on
 * from there, and nothing else narrows but the range in which it begins.
 */
export function isInOrder(declaration: ListDeclaration, request: Narrowing): boolean {
  const { filters, sort } = request;
  const given = conditionsOf(declaration, request);
  const equal = [
    ...filters.filter(isEqual).map(({ field }) => field),
    ...given.filter(([, value]) => Array.isArray(value) && value.length === 1).map(([name]) => name),
  ];
  const ranges = filters.filter(isRange).map(({ field }) => field);
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
  return declaration.indexes.some(isServedBy);
}

/** How the rows of a list can be looked through in its order: those that `base` leaves stand in one index. */
export interface Walk {
  sort: SortKey[];
  base: Pick<Narrowing, 'filters' | 'parameters'>;
  /** What else narrows: it is looked at in each row. */
  rest: Pick<Narrowing, 'filters' | 'parameters'>;
}

/**
 * The walk that leaves the least to look through: by all that narrows, by one value of one field, by a range of the field that is
 * sorted by, or by the sort alone. Undefined where no index has that.
 */
export function walkOf(declaration: ListDeclaration, request: Narrowing): Walk | undefined {
  const sort = request.sort.length > 0 ? request.sort : [{ field: 'id', descending: false }];
  const { filters, parameters } = request;
  const given = conditionsOf(declaration, request);
  const isNarrow = ({ field }: Filter) => declaration.fields[field]?.kind !== 'enum';
  const equal = filters.filter(isEqual);
  const bases: Walk['base'][] = [
    ...(given.length === 0 ? [{ filters, parameters: {} }] : []),
    ...equal.filter(isNarrow).map((filter) => ({ filters: [filter], parameters: {} })),
    ...given
      .filter(([name]) => declaration.parameters?.[name]?.ids)
      .map(([name, value]) => ({ filters: [], parameters: { [name]: value } })),
    ...equal.filter((filter) => !isNarrow(filter)).map((filter) => ({ filters: [filter], parameters: {} })),
    { filters: filters.filter((filter) => isRange(filter) && filter.field === sort[0]?.field), parameters: {} },
    { filters: [], parameters: {} },
  ];
  const base = bases.find((each) => isInOrder(declaration, { ...each, sort }));
  if (!base) return undefined;
  return {
    sort,
    base,
    rest: {
      filters: filters.filter((filter) => !base.filters.includes(filter)),
      parameters: Object.fromEntries(Object.entries(parameters).filter(([name]) => !(name in base.parameters))),
    },
  };
}
