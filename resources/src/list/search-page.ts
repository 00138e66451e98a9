import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { Binder } from './binder.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { ListField } from './field.ts';
import { walkOf } from './index-order.ts';
import type { ListRequest } from './request.ts';
import { searchScore, termCondition } from './search.ts';
import { routeOf } from './search-plan.ts';
import { type FoundPage, foundRows, type KeyRow, walk } from './search-walk.ts';
import { behind, keyColumns, type OrderKey, orderKeys, orderSql, towards, whereSql } from './sql.ts';

const integer: ListField = { kind: 'integer' };

/**
 * The keys of a search: those of its sort; else the score and the id, or the id alone where the rows are too many to be ranked,
 * and where the page that this one follows had them in that order.
 */
function searchKeys(declaration: ListDeclaration, request: ListRequest, bind: Binder, position?: Position): OrderKey[] {
  const { sort, search = '' } = request;
  if (sort.length > 0) return orderKeys(declaration, sort);
  const id = { name: 'id', sql: 'found.id', field: integer, descending: false };
  const isRanked = position ? position.values.length === 2 : routeOf(declaration, request) === 'index';
  if (!isRanked) return [id];
  return [{ name: 'relevance', sql: `(${searchScore(search, bind)})`, field: integer, descending: true }, id];
}

/**
 * Finds the rows of a page of a search: with one statement, or where all of its words are common by looking through rows in the
 * order of the list.
 */
export async function findPage(
  db: Database,
  declaration: ListDeclaration,
  request: ListRequest,
  position?: Position,
  snapshot?: Transaction,
): Promise<FoundPage> {
  const way = routeOf(declaration, request) === 'walk' ? walkOf(declaration, request) : undefined;
  if (way) return walk(db, declaration, request, way, position, snapshot);
  const { table } = declaration;
  const { search = '', plan, window, sort } = request;
  const bind = new Binder();
  const keys = towards(searchKeys(declaration, request, bind, position), position);
  const narrowing = whereSql(declaration, { ...request, search: undefined }, bind);
  const isAlone = narrowing === 'TRUE' && sort.length === 0;
  const conditions = [termCondition(search, bind, plan), narrowing];
  if (position) conditions.push(behind(keys, position, bind));
  const whole = (value: number) => bind.add(BigInt(value));
  const rows = await select<KeyRow>(
    db,
    `SELECT found.id AS page_id, ${keyColumns(keys)}
     FROM ${table}_search AS found ${isAlone ? '' : `JOIN ${table} ON ${table}.id = found.id`}
     WHERE ${conditions.join(' AND ')}
     ORDER BY ${orderSql(keys)}
     LIMIT ${whole(window.limit + 1)} OFFSET ${whole(window.kind === 'offset' ? window.start : 0)}`,
    bind.values,
    snapshot,
  );
  return { rows: foundRows(rows, keys) };
}
