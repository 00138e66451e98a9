import type * as mysql from 'mysql2';
import { QueryTypes, Sequelize, type Transaction } from 'sequelize';
import { defineModels, type Models } from './models.ts';
import type { DatabaseSettings } from './settings.ts';

/** A pool of connections, and the models on it. */
export interface Database {
  sequelize: Sequelize;
  models: Models;
}
export { QueryTypes, type Transaction };

/** Seconds that a statement waits for another's row lock before it gives up. */
const lockWaitSeconds = 5;

/**
 * Opens a pool (lazily: the first statement connects). Every session speaks UTC, is strict about values, and reads
 * what is committed when a statement begins (READ COMMITTED: a transaction that has waited for a lock sees what its
 * holder wrote). Rows come as plain values: DECIMAL as a number (exact to the cent: fifteen digits fit a double), DATETIME
 * as `YYYY-MM-DD HH:MM:SS.mmm`.
 * @param options.multipleStatements lets one query hold several statements; for migrations and seeds only
 * @param options.onStatement is told of every statement
 */
export function connect(
  settings: DatabaseSettings,
  {
    multipleStatements = false,
    onStatement,
  }: { multipleStatements?: boolean; onStatement?: (sql: string) => void } = {},
): Database {
  const sequelize = new Sequelize({
    dialect: 'mysql',
    host: settings.host,
    port: settings.port,
    database: settings.database,
    username: settings.user,
    password: settings.password,
    logging: onStatement ?? false,
    timezone: '+00:00',
    pool: { max: settings.poolMax, min: 0, acquire: 2_000, idle: 60_000 },
    dialectOptions: {
      connectTimeout: 2_000,
      charset: 'utf8mb4',
      multipleStatements,
      typeCast: true,
      dateStrings: true,
      decimalNumbers: true,
    },
    hooks: {
      afterConnect: async (connection) => {
        const session = (connection as mysql.Connection).promise();
        await session.query(
          `SET SESSION sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION', innodb_lock_wait_timeout = ${lockWaitSeconds}`,
        );
        await session.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      },
    },
  });
  return { sequelize, models: defineModels(sequelize) };
}

/** The rows of one SELECT. `$1`, `$2`, … in `sql` stand for the values of `bind`, which never become SQL text. */
export function select<Row extends object>(
  db: Database,
  sql: string,
  bind: unknown[] = [],
  transaction?: Transaction,
): Promise<Row[]> {
  return db.sequelize.query<Row>(sql, { type: QueryTypes.SELECT, bind, ...(transaction ? { transaction } : {}) });
}

/** `$1, $2, …` for a list of `count` values, numbered from `first`. */
export const placeholders = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => `$${first + index}`).join(', ');
