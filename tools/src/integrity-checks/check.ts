import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { QueryTypes } from 'sequelize';

/** The key of a row that breaks a rule, column by column. */
export type Key = Record<string, number>;

/**
 * One rule that the data must keep. A repair runs in steps, each in a transaction of its own: `lock` some of what was
 * found, `find` again what of it is still wrong, `repair` that.
 */
export interface IntegrityCheck {
  /** What is counted: rows that break the rule. */
  what: string;
  /** What a repair does with them. */
  remedy: string;
  /** All that break the rule, or those `among` some. */
  find(db: Database, among?: { transaction: Transaction; keys: Key[] }): Promise<Key[]>;
  lock(db: Database, transaction: Transaction, keys: Key[]): Promise<void>;
  repair(db: Database, transaction: Transaction, keys: Key[]): Promise<void>;
}

/** Runs a statement that changes rows. `$1`, `$2`, … stand for the values of `bind`. */
export async function change(db: Database, transaction: Transaction, sql: string, bind: unknown[] = []): Promise<void> {
  await db.sequelize.query(sql, { type: QueryTypes.RAW, bind, transaction });
}

/** The condition that a row of `table` has one of `keys`, which are numbers that the database gave. */
export function hasKey(table: string, keys: Key[], first = 1): { sql: string; bind: number[] } {
  const columns = Object.keys(keys[0] ?? {});
  const alternatives = keys.map(
    (_, index) =>
      `(${columns.map((column, place) => `${table}.${column} = $${first + index * columns.length + place}`).join(' AND ')})`,
  );
  return { sql: `(${alternatives.join(' OR ')})`, bind: keys.flatMap((key) => Object.values(key)) };
}

/**
 * A check whose rows one condition finds.
 * @param joins what else of the database the condition looks at
 * @param condition on the rows of `table`, in which nothing is bound
 * @param repair told the condition of its rows, whose values it binds
 */
export function rowCheck({
  what,
  remedy,
  table,
  key = ['id'],
  joins = '',
  condition,
  repair,
}: {
  what: string;
  remedy: string;
  table: string;
  key?: string[];
  joins?: string;
  condition: string;
  repair: IntegrityCheck['repair'];
}): IntegrityCheck {
  const columns = key.map((column) => `${table}.${column}`).join(', ');
  return {
    what,
    remedy,
    find: (db, among) => {
      const one = among && hasKey(table, among.keys);
      const narrowed = one ? ` AND ${one.sql}` : '';
      return select<Key>(
        db,
        `SELECT ${columns} FROM ${table} ${joins} WHERE (${condition})${narrowed} ORDER BY ${columns}`,
        one?.bind ?? [],
        among?.transaction,
      );
    },
    async lock(db, transaction, keys) {
      const one = hasKey(table, keys);
      const sql = `SELECT ${columns} FROM ${table} WHERE ${one.sql} ORDER BY ${columns} FOR UPDATE`;
      await select(db, sql, one.bind, transaction);
    },
    repair,
  };
}
