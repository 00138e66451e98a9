import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import type { ResourceTable } from '@shop/db/models.ts';
import { nextVersion, uniqueIndexes } from '@shop/db/resource-table.ts';
import { hasKey, type IntegrityCheck, type Key } from './check.ts';

const isName = (column: string): boolean => column.endsWith('_name');

/** `text` with a suffix, in no more than the characters of its column. */
function withSuffix(column: string, text: string, suffix: string): string {
  const end = isName(column) ? ` (${suffix})` : `-${suffix}`;
  return [...text].slice(0, (column === 'sku' ? 64 : 255) - end.length).join('') + end;
}

/**
 * A text for a unique column of a row: `text`, or, where another row has it, `text (17)` or `text-17` with the id of the
 * row, or the next of that kind. `within` are other columns that the row has or will have, which the index holds, too.
 */
export async function freeText(
  db: Database,
  transaction: Transaction,
  table: ResourceTable,
  column: string,
  id: number,
  text: string,
  within: Record<string, unknown> = {},
): Promise<string> {
  const also = Object.keys(within).map((name, index) => ` AND ${name} <=> $${index + 3}`);
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? text : withSuffix(column, text, number === 2 ? `${id}` : `${id}-${number - 1}`);
    const taken = await select(
      db,
      `SELECT id FROM ${table} WHERE ${column} = $1 AND id <> $2${also.join('')} LIMIT 1`,
      [candidate, id, ...Object.values(within)],
      transaction,
    );
    if (taken.length === 0) return candidate;
  }
}

/** That no two rows have the same value in a unique index, as its collation compares. The smallest id keeps it. */
function uniquenessCheck(table: ResourceTable, plural: string, [column = '', ...within]: string[]): IntegrityCheck {
  const noun = isName(column) ? 'name' : column;
  return {
    what: `${plural} that have the ${noun} of ${within.length > 0 ? 'a sibling' : 'another'}`,
    remedy: 'given one that ends in their id',
    async find(db, among) {
      const columns = [column, ...within].join(', ');
      const taken = `SELECT ${columns}, MIN(id) AS first_id FROM ${table} WHERE ${column} IS NOT NULL
                     GROUP BY ${columns} HAVING COUNT(*) > 1`;
      // By itself this only walks along the index: as a rule there is nothing to look up.
      if ((await select(db, `${taken} LIMIT 1`, [], among?.transaction)).length === 0) return [];
      const same = within.map((name) => `AND later.${name} <=> taken.${name}`).join(' ');
      const rows = await select<Key>(
        db,
        `SELECT later.id FROM (${taken}) AS taken
         JOIN ${table} AS later ON later.${column} = taken.${column} ${same} AND later.id > taken.first_id
         ORDER BY later.id`,
        [],
        among?.transaction,
      );
      const ids = among && new Set(among.keys.map(({ id }) => id));
      return ids ? rows.filter(({ id }) => ids.has(id)) : rows;
    },
    async lock(db, transaction, keys) {
      const { sql, bind } = hasKey(table, keys);
      await select(db, `SELECT id FROM ${table} WHERE ${sql} ORDER BY id FOR UPDATE`, bind, transaction);
    },
    async repair(db, transaction, keys) {
      for (const { id } of keys) {
        const [row] = await select<Record<string, string>>(
          db,
          `SELECT ${[column, ...within].join(', ')} FROM ${table} WHERE id = $1`,
          [id],
          transaction,
        );
        if (!row) continue;
        const siblings = Object.fromEntries(within.map((name) => [name, row[name]]));
        const text = await freeText(db, transaction, table, column, id as number, row[column] as string, siblings);
        await db.models[table as 'tag'].update({ [column]: text, ...nextVersion }, { where: { id }, transaction });
      }
    },
  };
}

const plurals: Record<ResourceTable, string> = { product: 'products', category: 'categories', tag: 'tags' };

/** What the unique indexes say. */
export const uniquenessChecks: IntegrityCheck[] = (Object.keys(plurals) as ResourceTable[]).flatMap((table) =>
  Object.values(uniqueIndexes[table]).map((columns) => uniquenessCheck(table, plurals[table], columns)),
);
