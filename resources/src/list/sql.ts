import { padded } from '@shop/db/connection/connection.ts';
import { longColumns, measuredColumns } from '@shop/db/long-columns.ts';
import { Binder } from './binder.ts';
import type { Position } from './cursor.ts';
import type { ListDeclaration } from './declaration.ts';
import type { FieldValue, ListField } from './field.ts';
import type { Filter, ListRequest, Selection, SortKey } from './request.ts';
import { searchCondition, termCondition } from './search.ts';

/** The SQL of a field: what it declares, or its column. */
const sqlOf = ({ table, fields }: ListDeclaration, name: string): string => fields[name]?.sql ?? `${table}.${name}`;

/** How a field reads as text, for `_like`: as it stands in the answer. */
function textOf(field: ListField, sql: string): string {
  if (field.kind === 'datetime') return `CONCAT(LEFT(DATE_FORMAT(${sql}, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')`;
  return field.kind === 'integer' || field.kind === 'decimal' ? `CAST(${sql} AS CHAR)` : sql;
}

/** A bound value in the type of its field, so that an index can be used. */
const typed = (field: ListField, placeholder: string): string =>
  field.kind === 'decimal' ? `CAST(${placeholder} AS DECIMAL(21, 6))` : placeholder;

/** Text for LIKE in which nothing is a pattern, with `|` as the escape. */
const literally = (text: string): string => `%${text.replaceAll(/[|%_]/g, '|$&')}%`;

function condition(declaration: ListDeclaration, { field: name, operator, values }: Filter, bind: Binder): string {
  const field = declaration.fields[name] as ListField;
  const sql = sqlOf(declaration, name);
  const add = (value: FieldValue | undefined) => typed(field, bind.add(value));
  const given = padded(values.filter((value) => value !== null));
  switch (operator) {
    case '_gte':
      return `${sql} >= ${add(values[0])}`;
    case '_lte':
      return `${sql} <= ${add(values[0])}`;
    case '_like':
      return `${textOf(field, sql)} LIKE ${bind.add(literally(String(values[0])))} ESCAPE '|'`;
    case '_ne': {
      const others = given.length > 0 ? `${sql} NOT IN (${given.map(add).join(', ')})` : 'TRUE';
      if (values.includes(null)) return `${sql} IS NOT NULL AND ${others}`;
      return field.nullable ? `(${sql} IS NULL OR ${others})` : others;
    }
    default: {
      const listed = given.length > 0 ? `${sql} IN (${given.map(add).join(', ')})` : 'FALSE';
      return values.includes(null) ? `(${sql} IS NULL OR ${listed})` : listed;
    }
  }
}

/** The condition of a request's filters, parameters and search; `TRUE` when there are none. */
export function whereSql(
  declaration: ListDeclaration,
  { filters, parameters, search, plan }: Pick<ListRequest, 'filters' | 'parameters' | 'search' | 'plan'>,
  bind: Binder,
): string {
  const own = Object.entries(declaration.parameters ?? {}).flatMap(([name, { where }]) =>
    where && parameters[name] !== undefined ? [where(parameters[name] as never, bind)] : [],
  );
  const conditions = [...filters.map((filter) => condition(declaration, filter, bind)), ...own];
  if (search !== undefined) conditions.push(searchCondition(declaration, search, bind, plan));
  return conditions.length > 0 ? conditions.join(' AND ') : 'TRUE';
}

/** One sort key as SQL. */
export interface OrderKey {
  name: string;
  sql: string;
  field: ListField;
  descending: boolean;
}

/** The keys of a sort. */
export const orderKeys = (declaration: ListDeclaration, sort: SortKey[]): OrderKey[] =>
  sort.map(({ field, descending }) => ({
    name: field,
    sql: sqlOf(declaration, field),
    field: declaration.fields[field] as ListField,
    descending,
  }));

export const isBackwards = (position?: Position): boolean =>
  position?.direction === 'before' || position?.direction === 'through';

/** Keys in the direction in which rows are read from a position: a page before one in the reverse of the order. */
export const towards = (keys: OrderKey[], position?: Position): OrderKey[] =>
  isBackwards(position) ? keys.map((key) => ({ ...key, descending: !key.descending })) : keys;

/** An ORDER BY of keys; of other columns of the same order, by the `sql` of each. */
export const orderSql = (keys: OrderKey[], sql = (key: OrderKey) => key.sql): string =>
  keys.map((key) => `${sql(key)} ${key.descending ? 'DESC' : 'ASC'}`).join(', ');

/** The name that the value of a key has in the rows. */
export const keyName = ({ name }: OrderKey): string => `key_${name}`;
export const keyColumns = (keys: OrderKey[]): string => keys.map((key) => `${key.sql} AS ${keyName(key)}`).join(', ');

/**
 * The rows behind a position, or at it where it includes its own: those that a later key tells apart among the ones that are
 * equal so far.
 * @param keys those of {@link towards}
 */
export function behind(keys: OrderKey[], { direction, values }: Position, bind: Binder): string {
  const add = ({ field }: OrderKey, value: FieldValue) => typed(field, bind.add(value));
  const isEqual = (key: OrderKey, value: FieldValue) =>
    value === null ? `${key.sql} IS NULL` : `${key.sql} = ${add(key, value)}`;
  // NULL is less than any value.
  const isBeyond = (key: OrderKey, value: FieldValue) => {
    if (!key.descending) return value === null ? `${key.sql} IS NOT NULL` : `${key.sql} > ${add(key, value)}`;
    if (value === null) return 'FALSE';
    const less = `${key.sql} < ${add(key, value)}`;
    return key.field.nullable ? `(${key.sql} IS NULL OR ${less})` : less;
  };
  const equalUpTo = (end: number) => keys.slice(0, end).map((key, index) => isEqual(key, values[index] ?? null));
  const branches = keys.map((key, index) => [...equalUpTo(index), isBeyond(key, values[index] ?? null)].join(' AND '));
  if (direction === 'through' || direction === 'from') branches.push(equalUpTo(keys.length).join(' AND '));
  return `(${branches.map((branch) => `(${branch})`).join(' OR ')})`;
}

/** A statement with its values, and the names in its rows of the values of the sort's keys. */
export interface PageSql {
  sql: string;
  bind: unknown[];
  keys: string[];
}

/**
 * Those of a table's long columns that a selection asks for. The short ones are read whatever it asks for: each choice among
 * them would be a statement of its own.
 */
export const longColumnsFor = (table: string, { fields }: Partial<Pick<Selection, 'fields'>>): string[] =>
  (longColumns[table] ?? []).filter((column) => !fields || fields.has(column));

/** The columns that a selection has read of a single row. */
export const columnsFor = (
  { table, columns }: Pick<ListDeclaration, 'table' | 'columns'>,
  { fields }: Pick<Selection, 'fields'>,
): string[] => columns.filter((column) => !fields || fields.has(column) || !longColumns[table]?.includes(column));

/** A table's columns as a selection has them read: long ones measured, and left out where they are longer than `most`. */
export function selectedColumns(
  { table, columns }: Pick<ListDeclaration, 'table' | 'columns'>,
  selection: Partial<Pick<Selection, 'fields'>>,
  most: string,
): string {
  const short = columns.filter((column) => !longColumns[table]?.includes(column)).map((column) => `${table}.${column}`);
  return [...short, ...measuredColumns(table, longColumnsFor(table, selection), most)].join(', ');
}

/**
 * The statement for one page, in the order of the sort (or its reverse, for a page before a position), and one row more,
 * by which it is known whether rows follow. By offset, the rows are found in an index before they are read: the ones
 * that are skipped are never read whole. (What a search finds is read by its ids.)
 * @param mostInline bytes above which a long value is left out
 */
export function pageSql(
  declaration: ListDeclaration,
  request: ListRequest,
  mostInline: number,
  position?: Position,
): PageSql {
  const { table } = declaration;
  const { window, sort } = request;
  const bind = new Binder();
  const keys = towards(orderKeys(declaration, sort), position);
  const conditions = [whereSql(declaration, request, bind)];
  if (position) conditions.push(behind(keys, position, bind));
  // Whole numbers to the driver: others are sent as doubles, which LIMIT does not take.
  const whole = (value: number) => bind.add(BigInt(value));
  const limit = `LIMIT ${whole(window.limit + 1)}${window.kind === 'offset' ? ` OFFSET ${whole(window.start)}` : ''}`;
  const selected = selectedColumns(declaration, request.selection, bind.add(mostInline));
  const page = `FROM ${table} WHERE ${conditions.join(' AND ')} ORDER BY ${orderSql(keys)} ${limit}`;
  const sql =
    window.kind === 'cursor'
      ? `SELECT ${selected}, ${keyColumns(keys)} ${page}`
      : `SELECT ${selected}, page.* FROM (SELECT ${table}.id AS page_id, ${keyColumns(keys)} ${page}) AS page
         JOIN ${table} ON ${table}.id = page.page_id
         ORDER BY ${orderSql(keys, (key) => `page.${keyName(key)}`)}`;
  return { sql, bind: bind.values, keys: keys.map(keyName) };
}

/** The statement that counts all rows of a request. */
export function countSql(declaration: ListDeclaration, request: ListRequest): { sql: string; bind: unknown[] } {
  const bind = new Binder();
  const { search, plan } = request;
  if (search !== undefined && whereSql(declaration, { ...request, search: undefined }, new Binder()) === 'TRUE') {
    const where = termCondition(search, bind, plan);
    return {
      sql: `SELECT COUNT(*) AS count FROM ${declaration.table}_search AS found WHERE ${where}`,
      bind: bind.values,
    };
  }
  const where = whereSql(declaration, request, bind);
  return { sql: `SELECT COUNT(*) AS count FROM ${declaration.table} WHERE ${where}`, bind: bind.values };
}
