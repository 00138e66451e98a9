import { placeholders, select } from '@shop/db/connection/connection.ts';
import type { ResourceTable } from '@shop/db/models.ts';
import { replaceSearchText, type Searched, searchColumns, searchTextOf } from '@shop/db/search/search-text.ts';
import type { IntegrityCheck, Key } from './check.ts';

/** Rows that are compared at once. */
const stepSize = 1_000;

/** A row with its searched columns, and its terms if it has any. */
type Row = { id: number; terms: string | null } & Searched;

/** That each row is found by what it holds: its terms are those of its name, description and article number. */
function searchCheck(table: ResourceTable, plural: string): IntegrityCheck {
  const columns = searchColumns[table].map((column) => `${table}.${column}`).join(', ');
  const rowsSql = (where: string) =>
    `SELECT ${table}.id, ${table}_search.terms, ${columns}
     FROM ${table} LEFT JOIN ${table}_search ON ${table}_search.id = ${table}.id WHERE ${where} ORDER BY ${table}.id`;
  const wrongOf = (rows: Row[]): Key[] =>
    rows.filter((row) => row.terms !== searchTextOf(table, row)).map(({ id }) => ({ id }));
  const idsOf = (keys: Key[]) => keys.map(({ id }) => id as number);
  const among = (count: number) => `${table}.id IN (${placeholders(count)})`;
  return {
    what: `${plural} with outdated search terms`,
    remedy: 'made searchable',
    async find(db, narrowed) {
      if (narrowed) {
        const ids = idsOf(narrowed.keys);
        return wrongOf(await select<Row>(db, rowsSql(among(ids.length)), ids, narrowed.transaction));
      }
      const wrong: Key[] = [];
      for (let after = 0; ; ) {
        const rows = await select<Row>(db, `${rowsSql(`${table}.id > $1`)} LIMIT ${stepSize}`, [after]);
        wrong.push(...wrongOf(rows));
        if (rows.length < stepSize) return wrong;
        after = rows.at(-1)?.id as number;
      }
    },
    async lock(db, transaction, keys) {
      const ids = idsOf(keys);
      const sql = `SELECT id FROM ${table} WHERE ${among(ids.length)} ORDER BY id FOR UPDATE`;
      await select(db, sql, ids, transaction);
    },
    async repair(db, transaction, keys) {
      const ids = idsOf(keys);
      for (const row of await select<Row>(db, rowsSql(among(ids.length)), ids, transaction)) {
        await replaceSearchText(db, transaction, table, row.id, row);
      }
    },
  };
}

/** What searches look in. These come last: what the others mend may change a name. */
export const searchChecks: IntegrityCheck[] = [
  searchCheck('product', 'products'),
  searchCheck('category', 'categories'),
  searchCheck('tag', 'tags'),
];
