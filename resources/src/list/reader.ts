import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { inSnapshot } from '@shop/db/connection/snapshot.ts';
import { bytesOf, fillIn } from '@shop/db/long-columns.ts';
import { JsonArray, renderFitting } from '@shop/service-kit/json-text.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { claim } from '@shop/service-kit/response-budget.ts';
import { validationProblem } from '@shop/service-kit/validation.ts';
import { expensesOf, inLane } from './cost.ts';
import { CursorCodec, cursorSentence, type Position } from './cursor.ts';
import { cursorKeysOf } from './cursor-keys.ts';
import type { ListDeclaration } from './declaration.ts';
import type { FieldValue } from './field.ts';
import type { ListRequest, Selection } from './request.ts';
import { findPage } from './search-page.ts';
import { planned } from './search-plan.ts';
import type { FoundPage } from './search-walk.ts';
import { countSql, isBackwards, longColumnsFor, pageSql } from './sql.ts';

/** A page as it is answered: its items as JSON, and the headers that lead on. */
export interface ListPage {
  body: JsonArray;
  headers: Record<string, string>;
}

/** A list as it is asked for, and as it is read. */
interface Asked {
  asked: ListRequest;
  request: ListRequest;
  subject: string;
  position: Position | undefined;
}

/** The keys of the rows at the edges of a page, from which the pages before and behind it go on. */
interface Edges {
  first?: FieldValue[];
  last?: FieldValue[];
  more: boolean;
  /** Where a page that ended early has to be gone on from. */
  endedAt?: FieldValue[] | undefined;
}

/** What is before a position, or behind one that leads backwards. */
const otherWay = { after: 'through', from: 'before', before: 'from', through: 'after' } as const;

/** The rows with the ids that a search has found, in the order of ids. */
const among = ({ selection, window, raw }: ListRequest, { rows }: FoundPage): ListRequest => ({
  filters: [{ field: 'id', operator: '', values: rows.map(({ id }) => id) }],
  parameters: {},
  search: undefined,
  sort: [{ field: 'id', descending: false }],
  window: { kind: 'cursor', limit: window.limit },
  count: false,
  selection,
  raw,
});

/** Parameters that say which page it is; a link to another page has its own. */
const paging = new Set(['_cursor', '_start', '_end', '_page', '_limit']);

/** Characters that the parameters of a list may have as a link repeats them. */
const longestQuery = 5_000;

/** Bytes of a `Link` header. Of headers that are longer, clients and proxies read none. */
const longestLinks = 12_000;

/** The parameters that all pages of a list have in common, as links have them. */
const queryOf = ({ raw }: ListRequest): URLSearchParams =>
  new URLSearchParams(raw.filter(([name]) => !paging.has(name)));

/** @throws {Problem} 400 for parameters that are too long to be repeated in links */
function refuseLongQuery(request: ListRequest): void {
  const query = queryOf(request);
  if (query.size === 0 || String(query).length <= longestQuery) return;
  const lengths = new Map<string, number>();
  for (const [name, value] of query) lengths.set(name, (lengths.get(name) ?? 0) + encodeURIComponent(value).length);
  const [longest] = [...lengths].toSorted(([, one], [, other]) => other - one);
  throw validationProblem([
    {
      parameter: longest?.[0] ?? '',
      code: 'too_long',
      detail: `is too long: all parameters together must have at most ${longestQuery} characters as a URL has them`,
      allowed: { maximum: longestQuery },
    },
  ]);
}

/** The most useful of some links, which is the last one, and of the others as many as have room. */
function linksThatFit(links: string[]): string {
  let room = longestLinks;
  const fitting = links.toReversed().filter((text, index) => {
    const fits = index === 0 || text.length + 2 <= room;
    if (fits) room -= text.length + 2;
    return fits;
  });
  return fitting.toReversed().join(', ');
}

/** A list of `paging` parameters as a link of the `Link` header; relative, so that it holds behind any proxy. */
function link(path: string, request: ListRequest, rel: string, own: Record<string, string | number>): string {
  const query = queryOf(request);
  for (const [name, value] of Object.entries(own)) query.append(name, String(value));
  return `<${path}?${query}>; rel="${rel}"`;
}

/**
 * Makes the function that reads pages of a resource.
 * @param path the list's own path, for links
 */
export function createListReader(db: Database, declaration: ListDeclaration, path: string) {
  const keys = cursorKeysOf(db);
  const codec = new CursorCodec(() => keys.all);

  /** What a cursor is good for: the same list in the same order, whatever the page and the fields. */
  const subjectOf = ({ filters, parameters, search, sort }: ListRequest): string =>
    JSON.stringify([declaration.table, filters, parameters, search, sort]);

  async function positionOf({ window, sort }: ListRequest, subject: string): Promise<Position | undefined> {
    await keys.ready();
    if (window.kind === 'offset' || window.cursor === undefined) return undefined;
    const { cursor } = window;
    // By relevance there are two keys, the score and the id; or only the id, where too many rows are found to rank them.
    const decode = () => codec.decode(cursor, subject, sort.length > 0 ? [sort.length] : [1, 2]);
    const position = decode() ?? ((await keys.reload()) ? decode() : undefined);
    if (position) return position;
    throw validationProblem([
      {
        parameter: '_cursor',
        code: 'invalid_cursor',
        detail: cursorSentence,
      },
    ]);
  }

  function cursorLinks(request: ListRequest, subject: string, page: Edges, position?: Position) {
    const { limit } = request.window;
    const at = (direction: Position['direction'], values: FieldValue[]) => ({
      _limit: limit,
      _cursor: codec.encode({ direction, values }, subject),
    });
    const { first, last, endedAt } = page;
    const isMore = page.more || endedAt !== undefined;
    const links = [link(path, request, 'first', { _limit: limit })];
    const add = (rel: string, own: Record<string, string | number>) => links.push(link(path, request, rel, own));
    if (!isBackwards(position)) {
      if (position) add('prev', first ? at('before', first) : at(otherWay[position.direction], position.values));
      const end = endedAt ?? last;
      if (isMore && end) add('next', at('after', end));
    } else if (position) {
      const end = endedAt ?? first;
      if (isMore && end) add('prev', at('before', end));
      add('next', last ? at('after', last) : at(otherWay[position.direction], position.values));
    }
    return linksThatFit(links);
  }

  function offsetLinks(request: ListRequest, total: number): string {
    const { window } = request;
    if (window.kind !== 'offset') return '';
    const { start, limit } = window;
    const at = (from: number) => ({ _start: from, _end: from + limit });
    const links = [link(path, request, 'first', at(0))];
    if (start > 0) links.push(link(path, request, 'prev', { _start: Math.max(0, start - limit), _end: start }));
    if (start + limit < total) links.push(link(path, request, 'next', at(start + limit)));
    return linksThatFit(links);
  }

  /**
   * Reads one page in one state of the database, no more of it than has room in a response. `present` turns its rows into what is answered, in the same
   * order; it may leave out the last ones, when there is no room for what is embedded in them.
   * @throws {Problem} 400 for a cursor that is not one of this list, or for a window by offset that has too many bytes
   */
  return async function readPage<Row extends object, Item>(
    asked: ListRequest,
    present: (rows: Row[], selection: Selection, snapshot?: Transaction) => Promise<Item[]>,
  ): Promise<ListPage> {
    refuseLongQuery(asked);
    const subject = subjectOf(asked);
    const position = await positionOf(asked, subject);
    const prepared = declaration.prepare ? await declaration.prepare(db, asked) : asked;
    const request = await planned(db, declaration, prepared, position);
    const { selection, count } = request;
    const isMore = count || request.search !== undefined || longColumnsFor(declaration.table, selection).length > 0;
    const read = (snapshot?: Transaction) => readAt(snapshot, { asked, request, subject, position }, present);
    // A connection is taken once there is a place in the lane.
    return inLane(db, expensesOf(declaration, request), () =>
      isMore ? inSnapshot(db, read) : inOneState(db, declaration, selection, read),
    );
  };

  async function readAt<Row extends object, Item>(
    snapshot: Transaction | undefined,
    { asked, request, subject, position }: Asked,
    present: (rows: Row[], selection: Selection, snapshot?: Transaction) => Promise<Item[]>,
  ): Promise<ListPage> {
    const { limit, kind } = request.window;
    const isReversed = isBackwards(position);
    const long = { columns: longColumnsFor(declaration.table, request.selection), most: responseBytes / (limit + 1) };
    const page =
      request.search === undefined ? undefined : await findPage(db, declaration, request, position, snapshot);
    const { sql, bind, keys } = page
      ? pageSql(declaration, among(request, page), long.most)
      : pageSql(declaration, request, long.most, position);
    const read = await select<Row & Record<string, FieldValue>>(db, sql, bind, snapshot);
    const found = page ? inOrderOf(page, read) : read;
    // In the order in which they were read: of a page before a position, those next to it are kept.
    const fitting = fittingRows(found.slice(0, limit), long.columns);
    await fillIn(db, declaration.table, fitting, long, snapshot);
    const presented = await present(fitting, request.selection, snapshot);
    const { texts, bytes } = renderFitting(presented, responseBytes);
    const rows = fitting.slice(0, texts.length);
    const isCut = rows.length < Math.min(found.length, limit);
    if (isCut && kind === 'offset') throw tooLarge(asked, rows.length);
    if (isReversed) {
      rows.reverse();
      texts.reverse();
    }
    const valuesOf = new Map(page?.rows.map(({ id, values }) => [id, values]));
    const keysOf = (row: Record<string, FieldValue>) =>
      valuesOf.get(Number(row.id)) ?? keys.map((key) => row[key] as FieldValue);
    const headers: Record<string, string> = {};
    let total = 0;
    if (request.count) {
      const count = countSql(declaration, request);
      total = (await select<{ count: number }>(db, count.sql, count.bind, snapshot))[0]?.count ?? 0;
      headers['X-Total-Count'] = String(total);
    }
    const [first, last] = [rows[0], rows.at(-1)];
    const edges: Edges = {
      more: isCut || found.length > limit,
      ...(first ? { first: keysOf(first) } : {}),
      ...(last ? { last: keysOf(last) } : {}),
    };
    if (!edges.more) edges.endedAt = page?.endedAt;
    headers.Link = kind === 'offset' ? offsetLinks(asked, total) : cursorLinks(asked, subject, edges, position);
    return { body: new JsonArray(texts, bytes), headers };
  }
}

/** Rows in the order in which a search has found them. */
function inOrderOf<Row extends object>({ rows }: FoundPage, read: Row[]): Row[] {
  const byId = new Map(read.map((row) => [Number((row as { id?: unknown }).id), row]));
  return rows.flatMap(({ id }) => byId.get(id) ?? []);
}

/** Runs what reads rows and what is embedded in them: in a snapshot, unless one statement is all that it takes. */
export function inOneState<T>(
  db: Database,
  { counted = [] }: ListDeclaration,
  { embed, fields }: Selection,
  read: (snapshot?: Transaction) => Promise<T>,
): Promise<T> {
  const isMore = embed.size > 0 || counted.some((field) => !fields || fields.has(field));
  return isMore ? inSnapshot(db, read) : read();
}

/** The first of some rows: as many as have room in a response, and one at least. It claims what they take. */
export function fittingRows<Row extends object>(rows: Row[], columns: readonly string[]): Row[] {
  let room = responseBytes;
  const end = rows.findIndex((row, index) => {
    room -= bytesOf(row, columns);
    return room < 0 && index > 0;
  });
  claim(responseBytes - room);
  return end < 0 ? rows : rows.slice(0, end);
}

/** 400 for a window by offset that is longer than a response may be. */
function tooLarge({ raw }: ListRequest, fitting: number): Problem {
  const names = new Set(raw.map(([name]) => name));
  const parameter = ['_end', '_limit', '_start'].find((name) => names.has(name)) ?? '_page';
  return validationProblem([
    {
      parameter,
      code: 'too_large',
      detail:
        `asks for more than ${responseBytes} bytes, in which its first ${fitting} ${fitting === 1 ? 'row has' : 'rows have'} room: ` +
        'ask for fewer rows, for less of each (_fields, _embed=), or page by _cursor, which ends a page where it is full',
      allowed: { maximum: fitting },
    },
  ]);
}

/** An answer with those of its fields that were asked for. */
export function pick<Item extends object>(item: Item, { fields }: Selection): Partial<Item> {
  if (!fields) return item;
  const isAsked = (name: string) => fields.has(name) || fields.has(name.replace(/_truncated$/, ''));
  return Object.fromEntries(Object.entries(item).filter(([name]) => isAsked(name))) as Partial<Item>;
}
