import * as z from 'zod';
import { describedAs } from '../fields.ts';
import { cursorSentence } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import {
  commaList,
  type FieldValue,
  filterSchema,
  hasOperator,
  type ListField,
  largestLimit,
  largestWindow,
  operators,
  refuse,
} from './field.ts';
import type { Filter, ListRequest, Selection, Window } from './request.ts';

const defaultLimit = 50;

const wholeNumber = (minimum: number, maximum: number, description: string) => {
  const sentence = `must be a whole number from ${minimum} to ${maximum}`;
  return z
    .string()
    .regex(/^[0-9]{1,15}$/, sentence)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum, {
      error: sentence,
      params: { code: 'out_of_range', allowed: { minimum, maximum } },
    })
    .optional()
    .meta({ description, override: describedAs({ type: 'integer', minimum, maximum }) });
};

/** Names separated by commas, each one of `known`, none twice. */
const names = (known: readonly string[], description: string, { empty = false } = {}) =>
  commaList
    .transform((text, context): string[] => {
      const list = text === '' ? [] : text.split(',').map((name) => name.trim());
      if (list.length === 0 && !empty)
        return refuse(context, `must be some of ${known.join(', ')}`, 'invalid_value', known);
      const unknown = list.filter((name) => !known.includes(name));
      if (unknown.length > 0)
        return refuse(
          context,
          `must be some of ${known.join(', ')}, not ${unknown.join(', ')}`,
          'invalid_value',
          known,
        );
      if (new Set(list).size < list.length) return refuse(context, 'must not name a field twice');
      return list;
    })
    .optional()
    .meta({ description, override: describedAs({ type: 'string' }), example: known.slice(0, 2).join(',') });

/** A selection as text, the same for the same; empty for everything. */
export function selectionKey({ embeds }: ListDeclaration, { embed, fields }: Selection): string {
  if (!fields && embed.size === embeds.length) return '';
  return `${[...embed].toSorted()}/${fields ? [...fields].toSorted() : '*'}`;
}

/** The highest offset: far beyond any list, and safe to add to. */
const farthest = 1_000_000_000;

/** The parameters that choose what of a resource is answered; reading one resource has these alone. */
export const selectionParameters = ({ embeds, shape }: ListDeclaration) => ({
  // To its readers a parameter that a list does not have is one that is absent.
  ...((embeds.length > 0 ? { _embed: embedParameter(embeds) } : {}) as { _embed: ReturnType<typeof embedParameter> }),
  _fields: fieldsParameter(shape),
});

/** `_fields`, of those that there are. */
export const fieldsParameter = (known: readonly string[]) => names(known, 'Only these fields.');

const embedParameter = (embeds: readonly string[]) =>
  names(embeds, `Which associations are embedded: ${embeds.join(', ')}; all when absent, none when empty.`, {
    empty: true,
  });

const searchParameter = z
  .string()
  .transform((text, context) => {
    const words = text.trim();
    if (words.length > 200) return refuse(context, 'must have at most 200 characters', 'too_long', { maximum: 200 });
    return words.isWellFormed() ? words : refuse(context, 'must be well-formed Unicode', 'invalid_text');
  })
  .optional()
  .meta({
    description:
      'Full-text search: every word must be there, the last one as a prefix. By relevance; where too many are found to rank ' +
      'them, by id. Then, and where these are sorted, a page may hold fewer than asked for, or none, while `Link` leads on.',
    override: describedAs({ type: 'string' }),
    example: 'plain shi',
  });

/** The parameters that narrow a list: filters on its fields, search, and what it declares of its own. */
const narrowingParameters = ({ fields, parameters = {}, search }: ListDeclaration) => ({
  ...(search.length > 0 ? { q: searchParameter } : {}),
  ...Object.fromEntries(
    Object.entries(fields).flatMap(([name, field]) =>
      operators
        .filter((operator) => hasOperator(field, operator))
        .map((operator) => [`${name}${operator}`, filterSchema(name, field, operator)]),
    ),
  ),
  ...Object.fromEntries(Object.entries(parameters).map(([name, { schema }]) => [name, schema])),
});

/** The schema of a query string that narrows, and neither pages nor sorts. */
export const filterQuery = (declaration: ListDeclaration) => z.strictObject(narrowingParameters(declaration));

/** The schema of a list's whole query string. */
export function listQuery(declaration: ListDeclaration) {
  const { fields } = declaration;
  const sortable = Object.keys(fields).filter((name) => fields[name]?.kind !== 'text');
  return z
    .strictObject({
      _limit: wholeNumber(
        1,
        largestLimit,
        `How many; when absent ${defaultLimit}, or as many as the filters on unique fields have values.`,
      ),
      // Whether it is a cursor of this list can be told when the rest of the query is known to be right.
      _cursor: z
        .string()
        .refine((text) => /^[\w-]{20,}$/.test(text), { error: cursorSentence, params: { code: 'invalid_cursor' } })
        .optional()
        .meta({ description: 'Opaque; from the `Link` header of a page.', override: describedAs({ type: 'string' }) }),
      _start: wholeNumber(0, farthest, 'By offset: the first row, counted from 0.'),
      _end: wholeNumber(0, farthest, `By offset: the row behind the last, at most ${largestWindow} behind \`_start\`.`),
      _page: wholeNumber(1, farthest, 'By offset: the page of `_limit` rows, counted from 1.'),
      _count: z
        .enum(['exact'], { error: 'must be exact' })
        .optional()
        .meta({ description: 'Sends `X-Total-Count` with cursor paging, too.' }),
      _sort: names(sortable, 'The fields to sort by, separated by commas; the id is always the last.'),
      _order: commaList
        .pipe(z.string().regex(/^(asc|desc)(,(asc|desc))*$/i, 'must be asc or desc for each field of _sort'))
        .transform((text) => text.toLowerCase().split(','))
        .optional()
        .meta({
          description: '`asc` or `desc` for each field of `_sort`.',
          override: describedAs({ type: 'string' }),
          example: 'asc,desc',
        }),
      ...selectionParameters(declaration),
      ...narrowingParameters(declaration),
    })
    .superRefine((query, context) => {
      const fault = (parameter: string, message: string, code = 'invalid_value', allowed?: unknown) =>
        context.addIssue({ code: 'custom', path: [parameter], message, params: { code, allowed } });
      const byOffset = (['_start', '_end', '_page'] as const).filter((name) => query[name] !== undefined);
      if (query._cursor !== undefined && byOffset.length > 0)
        fault('_cursor', `cannot be combined with ${byOffset.join(' and ')}`);
      if (query._page !== undefined && byOffset.length > 1) fault('_page', 'cannot be combined with _start and _end');
      if (query._end !== undefined && query._limit !== undefined) fault('_end', 'cannot be combined with _limit');
      if (query._end !== undefined) {
        const size = query._end - (query._start ?? 0);
        if (size < 0) fault('_end', 'must not be less than _start');
        if (size > largestWindow)
          fault('_end', `must be at most ${largestWindow} more than _start`, 'out_of_range', {
            maximum: largestWindow,
          });
      }
      if (
        Array.isArray(query._order) &&
        Array.isArray(query._sort ?? []) &&
        query._order.length > (query._sort?.length ?? 0)
      )
        fault('_order', 'must not have more entries than _sort');
    });
}

/** A parsed query string: the parameters that every list has, filters and the declaration's own. */
type Query = z.output<ReturnType<typeof listQuery>>;
type SelectionQuery = Pick<Query, '_embed' | '_fields'>;

/** Which associations and fields a parsed query asks for; an association that no field asks for is not embedded. */
export function selectionOf({ embeds }: ListDeclaration, { _embed, _fields }: SelectionQuery): Selection {
  const fields = _fields && new Set(_fields);
  return { embed: new Set((_embed ?? embeds).filter((name) => !fields || fields.has(name))), fields };
}

/** Whether a filter names rows one by one, so that it finds at most as many as it has values. */
export const namesRows = ({ fields }: ListDeclaration, { field, operator, values }: Filter): boolean =>
  operator === '' && fields[field]?.unique === true && !values.includes(null);

function windowOf(declaration: ListDeclaration, query: Query, filters: Filter[]): Window {
  const { _cursor, _start, _end, _page } = query;
  // Who names the rows one by one wants them all; clients that do so do not look for a `Link`.
  const named = filters.filter((filter) => namesRows(declaration, filter)).map(({ values }) => values.length);
  const _limit = query._limit ?? Math.max(defaultLimit, ...named);
  if (_page !== undefined) return { kind: 'offset', start: (_page - 1) * _limit, limit: _limit };
  if (_start === undefined && _end === undefined) {
    return { kind: 'cursor', limit: _limit, ...(_cursor === undefined ? {} : { cursor: _cursor }) };
  }
  const start = _start ?? 0;
  return { kind: 'offset', start, limit: _end === undefined ? _limit : _end - start };
}

/** The filters and own parameters of a parsed query. */
function narrowing({ fields, parameters = {} }: ListDeclaration, query: Record<string, unknown>) {
  const filters = Object.keys(fields).flatMap((field) =>
    operators.flatMap((operator): Filter[] => {
      const values = query[`${field}${operator}`] as FieldValue[] | undefined;
      return values ? [{ field, operator, values }] : [];
    }),
  );
  return {
    filters,
    parameters: Object.fromEntries(Object.keys(parameters).map((name) => [name, query[name]])),
    search: (query.q as string | undefined) || undefined,
  };
}

/** A query that was parsed by {@link filterQuery} as a request for all that it leaves. */
export const filterRequest = (
  declaration: ListDeclaration,
  query: z.output<ReturnType<typeof filterQuery>>,
): ListRequest => ({
  ...narrowing(declaration, query),
  sort: [],
  window: { kind: 'cursor', limit: largestLimit },
  count: false,
  selection: { embed: new Set(), fields: undefined },
  raw: [],
});

/** A query that was parsed by {@link listQuery} as a request. `raw` is the query as Express gives it. */
export function listRequest(declaration: ListDeclaration, query: Query, raw: Record<string, unknown>): ListRequest {
  const narrowed = narrowing(declaration, query);
  const asked = query._sort?.map((field, index) => ({ field, descending: query._order?.[index] === 'desc' }));
  const byRelevance = narrowed.search !== undefined && (asked ?? []).length === 0;
  const keys = asked ?? [...(declaration.sort ?? [])];
  // Behind a unique key nothing is left to be sorted, and a second key would keep the database from using its index.
  const isTotal = ({ unique, nullable }: Partial<ListField> = {}) => unique && !nullable;
  const total = keys.findIndex(({ field }) => isTotal(declaration.fields[field])) + 1;
  // The id follows the direction of the key before it, so that one index can serve both.
  const id = { field: 'id', descending: keys.at(-1)?.descending ?? false };
  const window = windowOf(declaration, query, narrowed.filters);
  return {
    ...narrowed,
    sort: byRelevance ? [] : total > 0 ? keys.slice(0, total) : [...keys, id],
    window,
    count: window.kind === 'offset' || query._count === 'exact',
    selection: selectionOf(declaration, query),
    raw: Object.entries(raw).flatMap(([name, value]) =>
      [value].flat().map((text) => [name, String(text)] as [string, string]),
    ),
  };
}
