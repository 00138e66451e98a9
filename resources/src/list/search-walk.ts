import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { Binder } from './binder.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { FieldValue } from './field.ts';
import type { Walk } from './index-order.ts';
import type { ListRequest } from './request.ts';
import { termCondition } from './search.ts';
import {
  behind,
  isBackwards,
  keyColumns,
  keyName,
  type OrderKey,
  orderKeys,
  orderSql,
  towards,
  whereSql,
} from './sql.ts';

/** The rows of a page that a search has found, and one row more where others follow: the id of each and its values of the sort's keys. */
export interface FoundPage {
  rows: { id: number; values: FieldValue[] }[];
  /** The values of the keys up to which rows were looked for, where that was not the end, nor the page full. */
  endedAt?: FieldValue[];
}

/** A row as such statements give it. */
export type KeyRow = { page_id: number } & Record<string, FieldValue>;

export const foundRows = (rows: KeyRow[], keys: OrderKey[]): FoundPage['rows'] =>
  rows.map((row) => ({ id: row.page_id, values: keys.map((key) => row[keyName(key)] as FieldValue) }));

/**
 * How many rows are looked through for a page: in the first step, and at the most. In the order of ids the table of terms is read
 * from one end to the other; in any other order each row is looked up.
 */
export const walkBounds = {
  byId: { firstStep: 5_000, most: 100_000 },
  byIndex: { firstStep: 500, most: 20_000 },
  /** Milliseconds, after which no step begins. */
  time: 100,
};

/** What a step has found, and the values of the keys at which it ended; without these, at the end of the list. */
interface Step {
  rows: FoundPage['rows'];
  end: FieldValue[] | undefined;
}

/** Looks through up to so many rows behind a position. */
type TakeStep = (size: number, from: Position | undefined, wanted: number) => Promise<Step>;

interface Walked {
  db: Database;
  declaration: ListDeclaration;
  request: ListRequest;
  way: Walk;
  /** In the direction in which rows are read. */
  keys: OrderKey[];
  snapshot: Transaction | undefined;
}

/** Steps through the table of terms by itself, in the order of ids: what else narrows is looked up for the rows that have the terms. */
async function stepsById(
  { db, declaration, request, way, keys, snapshot }: Walked,
  start?: Position,
): Promise<TakeStep> {
  const { table } = declaration;
  const { search = '', plan } = request;
  const [{ descending = false } = {}] = keys;
  const [beyond, upTo, order] = descending ? ['<', '>=', 'DESC'] : ['>', '<=', 'ASC'];
  const edges = new Binder();
  // From the next row on that there is: where many ids are missing in a row, they are not looked through.
  const next = start ? `WHERE id ${beyond}${isInclusive(start) ? '=' : ''} ${edges.add(start.values[0])}` : '';
  const [edge] = await select<{ first: number | null; last: number | null }>(
    db,
    `SELECT (SELECT id FROM ${table}_search ${next} ORDER BY id ${order} LIMIT 1) AS first,
            (SELECT ${descending ? 'MIN' : 'MAX'}(id) FROM ${table}_search) AS last`,
    edges.values,
    snapshot,
  );
  const { first, last } = edge ?? {};
  const sign = descending ? -1 : 1;
  let before = Number(first ?? 0) - sign;
  return async (size, _from, wanted) => {
    if (first == null || last == null) return { rows: [], end: undefined };
    const to = before + sign * size;
    const bind = new Binder();
    const conditions = [
      termCondition(search, bind, plan),
      `found.id ${beyond} ${bind.add(before)}`,
      `found.id ${upTo} ${bind.add(to)}`,
    ];
    const rest = whereSql(declaration, { ...way.rest, search: undefined }, bind);
    const rows = await select<KeyRow>(
      db,
      `SELECT found.id AS page_id, found.id AS key_id
       FROM ${table}_search AS found ${rest === 'TRUE' ? '' : `STRAIGHT_JOIN ${table} ON ${table}.id = found.id`}
       WHERE ${conditions.join(' AND ')} AND ${rest}
       ORDER BY found.id ${order} LIMIT ${bind.add(BigInt(wanted))}`,
      bind.values,
      snapshot,
    );
    before = to;
    return { rows: foundRows(rows, keys), end: sign * (last - to) <= 0 ? undefined : [to] };
  };
}

const isInclusive = ({ direction }: Position): boolean => direction === 'from' || direction === 'through';

/** The table whose index is walked through, and what is read there: another one where that has the ids (a tag's products). */
function sourceOf(declaration: ListDeclaration, { base }: Walk, keys: OrderKey[], bind: Binder) {
  const [[name = '', value] = []] = Object.entries(base.parameters);
  const ids = declaration.parameters?.[name]?.ids;
  const { table } = declaration;
  if (!ids)
    return { table, id: `${table}.id`, keys, where: whereSql(declaration, { ...base, search: undefined }, bind) };
  const byId = keys.map((key) => ({ ...key, sql: ids.column }));
  return { table: ids.table, id: ids.column, keys: byId, where: ids.where(value as never, bind) };
}

/** Steps through an index in its order, and looks each row up. */
function stepsByIndex({ db, declaration, request, way, keys, snapshot }: Walked): TakeStep {
  const { table } = declaration;
  const { search = '', plan } = request;
  return async (size, from, wanted) => {
    const inOrder = (bind: Binder, limit: string) => {
      const source = sourceOf(declaration, way, keys, bind);
      const base = [source.where, ...(from ? [behind(source.keys, from, bind)] : [])];
      return `SELECT ${source.id} AS page_id, ${keyColumns(source.keys)} FROM ${source.table}
        WHERE ${base.join(' AND ')} ORDER BY ${orderSql(source.keys)} ${limit}`;
    };
    const last = new Binder();
    const [end] = await select<KeyRow>(
      db,
      inOrder(last, `LIMIT 1 OFFSET ${last.add(BigInt(size - 1))}`),
      last.values,
      snapshot,
    );
    const bind = new Binder();
    const step = inOrder(bind, `LIMIT ${bind.add(BigInt(size))}`);
    const conditions = [
      termCondition(search, bind, plan),
      whereSql(declaration, { ...way.rest, search: undefined }, bind),
    ];
    const rows = await select<KeyRow>(
      db,
      `SELECT step.* FROM (${step}) AS step STRAIGHT_JOIN ${table}_search AS found ON found.id = step.page_id
       ${conditions[1] === 'TRUE' ? '' : `STRAIGHT_JOIN ${table} ON ${table}.id = step.page_id`}
       WHERE ${conditions.join(' AND ')}
       ORDER BY ${orderSql(keys, (key) => `step.${keyName(key)}`)} LIMIT ${bind.add(BigInt(wanted))}`,
      bind.values,
      snapshot,
    );
    return { rows: foundRows(rows, keys), end: end && foundRows([end], keys)[0]?.values };
  };
}

/**
 * Finds a page of a search whose words are common, by looking through the rows in the order of the list, no further than a full
 * page needs. What many rows have fills a page at once. Of what very few have, a page holds what was found within bounds, and the
 * next one goes on from there.
 */
export async function walk(
  db: Database,
  declaration: ListDeclaration,
  request: ListRequest,
  way: Walk,
  position?: Position,
  snapshot?: Transaction,
): Promise<FoundPage> {
  const keys = towards(orderKeys(declaration, way.sort), position);
  const walked = { db, declaration, request, way, keys, snapshot };
  const isById =
    keys[0]?.name === 'id' && way.base.filters.length === 0 && Object.keys(way.base.parameters).length === 0;
  const { firstStep, most } = isById ? walkBounds.byId : walkBounds.byIndex;
  const take = isById ? await stepsById(walked, position) : stepsByIndex(walked);
  const started = performance.now();
  const rows: FoundPage['rows'] = [];
  let from = position;
  let looked = 0;
  for (let size = firstStep; ; ) {
    const begun = performance.now();
    const step = await take(size, from, request.window.limit + 1 - rows.length);
    rows.push(...step.rows);
    looked += size;
    if (rows.length > request.window.limit || !step.end) return { rows };
    const now = performance.now();
    const left = walkBounds.time - (now - started);
    // Twice as many, unless that would take more time, by what these took, or more rows than there are left.
    const next = Math.min(size * 2, Math.floor((size * left) / (now - begun)), most - looked);
    if (next < Math.min(size, firstStep) / 2) return { rows, endedAt: step.end };
    from = { direction: isBackwards(position) ? 'before' : 'after', values: step.end };
    size = next;
  }
}
