import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { Binder } from './binder.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { FieldValue } from './field.ts';
import type { ListRequest } from './request.ts';
import { termCondition } from './search.ts';
import { isScan } from './search-plan.ts';
import { whereSql } from './sql.ts';

/** Milliseconds within which a step is a short one, so that the next is longer, and beyond which it is a long one. */
const short = 40;
const long = 100;
/** A page ends early when so many ids have been looked through for it, and so many milliseconds are over. */
export const pageBounds = { firstStep: 20_000, ids: 100_000, time: 100 };

/** Where the rows of a page were looked for. */
export interface FoundPage {
  /** The request for these rows alone, in the order of ids. */
  request: ListRequest;
  /** Up to which id rows were looked for, where that was not the end, nor the page full. */
  endedAt?: number;
}

/** The statement for the ids of some rows that a search finds by looking through them. */
function idsSql(
  declaration: ListDeclaration,
  request: ListRequest,
  range: string[],
  order: string,
  bind: Binder,
): string {
  const { table } = declaration;
  const { search = '', plan } = request;
  const narrowing = whereSql(declaration, { ...request, search: undefined }, bind);
  // By itself the table of terms is a fraction of the other one.
  const rows = narrowing === 'TRUE' ? '' : `JOIN ${table} ON ${table}.id = found.id AND ${narrowing}`;
  const conditions = [termCondition(search, bind, plan), ...range];
  return `SELECT found.id FROM ${table}_search AS found ${rows} WHERE ${conditions.join(' AND ')} ORDER BY found.id ${order}`;
}

/** The rows with these ids. */
const among = (request: ListRequest, ids: number[]): ListRequest => {
  const { plan: _plan, ...rest } = request;
  const filters = [{ field: 'id', operator: '' as const, values: ids }];
  return { ...rest, search: undefined, filters, parameters: {}, sort: [{ field: 'id', descending: false }] };
};

/**
 * Finds the rows of a page of a search whose words are common, in the order of ids: by looking through the table of terms, no
 * further than a full page needs. What many rows have fills a page at once; of what very few have, a page holds what was found
 * in its time, and the next one goes on from there.
 * @returns undefined for any other list
 */
export async function findPage(
  db: Database,
  declaration: ListDeclaration,
  request: ListRequest,
  position?: Position,
  snapshot?: Transaction,
  { firstStep, ids: mostIds, time: mostTime } = pageBounds,
): Promise<FoundPage | undefined> {
  if (!isScan(request)) return undefined;
  const { window } = request;
  if (window.kind === 'offset') {
    const bind = new Binder();
    const sql = idsSql(declaration, request, [], 'ASC', bind);
    const limit = `LIMIT ${bind.add(BigInt(window.limit + 1))} OFFSET ${bind.add(BigInt(window.start))}`;
    const found = await select<{ id: number }>(db, `${sql} ${limit}`, bind.values, snapshot);
    const ids = found.map(({ id }) => id);
    return { request: { ...among(request, ids), window: { ...window, start: 0 } } };
  }
  const [edge] = await select<{ first: number | null; last: number | null }>(
    db,
    `SELECT MIN(id) AS first, MAX(id) AS last FROM ${declaration.table}_search`,
    [],
    snapshot,
  );
  const isBackwards = position !== undefined && position.direction !== 'after';
  const end = Number((isBackwards ? edge?.first : edge?.last) ?? 0);
  const given = position === undefined ? undefined : Number(position.values[0]);
  // The id before the first one that is looked at.
  let from = given ?? Number(edge?.first ?? 1) - 1;
  if (position?.direction === 'through') from += 1;
  const started = performance.now();
  const ids: number[] = [];
  let looked = 0;
  for (let step = firstStep; ; ) {
    const to = isBackwards ? from - step : from + step;
    const isLast = isBackwards ? to <= end : to >= end;
    const bind = new Binder();
    const [nearer, farther] = isBackwards ? ['<', '>='] : ['>', '<='];
    const range = [`found.id ${nearer} ${bind.add(from)}`, `found.id ${farther} ${bind.add(to)}`];
    const sql = idsSql(declaration, request, range, isBackwards ? 'DESC' : 'ASC', bind);
    const limit = `LIMIT ${bind.add(BigInt(window.limit + 1 - ids.length))}`;
    const begun = performance.now();
    const found = await select<{ id: number }>(db, `${sql} ${limit}`, bind.values, snapshot);
    const took = performance.now() - begun;
    ids.push(...found.map(({ id }) => id));
    looked += step;
    if (ids.length > window.limit || isLast) return { request: among(request, ids) };
    // Backwards a range holds its farther end, and the next begins behind that.
    if (looked >= mostIds && performance.now() - started >= mostTime)
      return { request: among(request, ids), endedAt: to };
    from = to;
    if (took < short) step *= 2;
    else if (took > long) step = Math.max(firstStep / 4, Math.floor(step / 2));
  }
}

/** The keys of the rows at the edges of a page, from which the pages before and behind it go on. */
export interface Edges {
  first?: FieldValue[];
  last?: FieldValue[];
  more: boolean;
}

/** The edges of a page that ended early: where it did, and where it began. */
export function edgesOf(edges: Edges, endedAt: number, position?: Position): Edges {
  if (position === undefined || position.direction === 'after') return { ...edges, last: [endedAt], more: true };
  const beginning = Number(position.values[0]) - (position.direction === 'through' ? 0 : 1);
  return { first: [endedAt], last: edges.last ?? [beginning], more: true };
}
