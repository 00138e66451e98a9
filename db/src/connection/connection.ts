import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { LimitedLane } from '@shop/service-kit/limited-lane.ts';
import * as mysql from 'mysql2';
import { QueryTypes, Sequelize, type Transaction } from 'sequelize';
import { isLost } from '../errors.ts';
import { defineModels, type Models } from '../models.ts';
import type { DatabaseSettings } from '../settings.ts';
import { type PoolLoad, queueFor } from './connection-queue.ts';
import { longestPrepared, PreparedStatements } from './prepared-statements.ts';
import { firstCap, isMariaDb, obeyDeadlines } from './statement-deadline.ts';
import { Watchdog } from './watchdog.ts';

/** A pool of connections, and the models on it. */
export interface Database {
  sequelize: Sequelize;
  models: Models;
  /** Is told of every statement. */
  onStatement: ((sql: string) => void) | undefined;
  statements: PreparedStatements;
  /** For a service: what bounds its requests. */
  guard: { watchdog: Watchdog; load: PoolLoad; lane: LimitedLane } | undefined;
}
export { QueryTypes, type Transaction };

/** What a service's requests may cost its database. */
export interface RequestLimits {
  /** Milliseconds that a request may take, and so a statement. */
  requestTimeout: number;
  /** How many may wait for a connection. */
  queueMax: number;
  /** How many expensive reads run at a time; when absent, {@link defaultExpensiveMax}. */
  expensiveMax?: number | undefined;
}

/**
 * A third of the connections, and half of this machine's processors: where the database shares them, the other half is for
 * everybody else; where it has a machine of its own, it hardly has fewer.
 */
const defaultExpensiveMax = (connections: number): number =>
  Math.max(1, Math.floor(Math.min(connections / 3, availableParallelism() / 2)));

/** Seconds that a statement waits for another's row lock before it gives up: longer than a silent service keeps one. */
const lockWaitSeconds = 5;

/**
 * Seconds after which the server ends a service's session that says nothing, and with it a transaction of a service that is
 * frozen or cut off, whose locks others wait for. The pool closes what it does not need in half of that.
 */
export const silenceSeconds = 4;

/** Milliseconds that a connection may take to be made: for a service, whose clients wait, and for a command. */
const connectPatience = { service: 2_000, command: 10_000 };

// The driver compiles a function for each form of rows. There are as many forms as ways to sort and to choose fields.
mysql.setMaxParserCache(500);

/** How the driver reaches the database, whatever the connection is for. */
const driverOptions = ({ host, port, database, user, password, sslCa }: DatabaseSettings, connectTimeout: number) => ({
  host,
  port,
  database,
  user,
  password,
  connectTimeout,
  charset: 'utf8mb4',
  ...(sslCa === undefined
    ? {}
    : { ssl: { ca: readFileSync(sslCa, 'utf8'), rejectUnauthorized: true, verifyIdentity: true } }),
});

/**
 * Opens a pool (lazily: the first statement connects). Every session speaks UTC, is strict about values, and reads
 * what is committed when a statement begins (READ COMMITTED: a transaction that has waited for a lock sees what its
 * holder wrote). Rows come as plain values: DECIMAL as a number (exact to the cent: fifteen digits fit a double), DATETIME
 * as `YYYY-MM-DD HH:MM:SS.mmm`, JSON as its text.
 * @param options.multipleStatements lets one query hold several statements; for migrations and seeds only
 * @param options.onStatement is told of every statement
 * @param options.limits for a service: statements obey the deadline of their request, few wait, and none for a database that
 * does not answer (docs/decisions/0014-deadlines-and-queues.md)
 */
export function connect(
  settings: DatabaseSettings,
  {
    multipleStatements = false,
    onStatement,
    limits,
  }: { multipleStatements?: boolean; onStatement?: (sql: string) => void; limits?: RequestLimits } = {},
): Database {
  const options = driverOptions(settings, limits ? connectPatience.service : connectPatience.command);
  const watchdog = limits && new Watchdog(options);
  const statements = new PreparedStatements(settings.poolMax);
  const sequelize = new Sequelize({
    dialect: 'mysql',
    host: settings.host,
    port: settings.port,
    database: settings.database,
    username: settings.user,
    password: settings.password,
    logging: onStatement ?? false,
    timezone: '+00:00',
    // The types do not know them. The time zone is set with the rest of the session; for the version Sequelize would ask on one
    // connection more, and use it for nothing.
    ...{ keepDefaultTimezone: true, databaseVersion: '9.7.0' },
    // Nobody waits for a connection of a pool that has a queue before it, but for one that is being opened.
    pool: { max: settings.poolMax, min: 0, acquire: 60_000, idle: limits ? silenceSeconds * 500 : 60_000 },
    dialectOptions: {
      ...options,
      ...watchdog?.options,
      multipleStatements,
      maxPreparedStatements: statements.perConnection,
      typeCast: true,
      dateStrings: true,
      decimalNumbers: true,
      // As the text that it is: what the driver makes of JSON turns numbers beyond 2^53 into text.
      jsonStrings: true,
    },
    hooks: {
      afterConnect: async (given) => {
        const connection = given as mysql.Connection;
        const assignments = [
          "time_zone = '+00:00'",
          "sql_mode = 'STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
          `innodb_lock_wait_timeout = ${lockWaitSeconds}`,
          `${isMariaDb(connection) ? 'tx_isolation' : 'transaction_isolation'} = 'READ-COMMITTED'`,
          ...(limits ? [firstCap(connection, limits.requestTimeout), `wait_timeout = ${silenceSeconds}`] : []),
        ];
        await connection.promise().query(`SET ${assignments.map((each) => `SESSION ${each}`).join(', ')}`);
        statements.install(connection);
        if (!watchdog || !limits) return;
        watchdog.opened(connection);
        obeyDeadlines(connection, watchdog, limits.requestTimeout);
      },
    },
  });
  const guard = watchdog && {
    watchdog,
    load: queueFor(sequelize, watchdog, {
      connections: settings.poolMax,
      queue: limits.queueMax,
      kept: silenceSeconds * 1_000,
    }),
    lane: new LimitedLane(limits.expensiveMax ?? defaultExpensiveMax(settings.poolMax)),
  };
  return { sequelize, models: defineModels(sequelize), onStatement, statements, guard };
}

/** Closes all connections, once they are not used any more. */
export async function disconnect({ sequelize, guard }: Database): Promise<void> {
  await sequelize.close();
  guard?.watchdog.close();
}

/** A statement with `$1`, `$2`, … as the driver takes it: a `?` for each, and which of the values it stands for. */
interface DriverStatement {
  sql: string;
  order: number[];
}

/** The statements that were asked for lately; the same few hundred come again and again. */
const driverStatements = new Map<string, DriverStatement>();
const mostDriverStatements = 1_000;

function driverStatement(sql: string): DriverStatement {
  const known = driverStatements.get(sql);
  if (known) return known;
  const order: number[] = [];
  const made = {
    sql: sql.replaceAll(/\$(\d+)/g, (_, number) => {
      order.push(Number(number) - 1);
      return '?';
    }),
    order,
  };
  if (sql.length > longestPrepared) return made;
  if (driverStatements.size >= mostDriverStatements) driverStatements.clear();
  driverStatements.set(sql, made);
  return made;
}

/**
 * The rows of one SELECT. `$1`, `$2`, … in `sql` stand for the values of `bind`, which the driver binds where the statement
 * is one of the frequent ones, and else escapes (docs/decisions/0019-few-prepared-statements.md). The connection is Sequelize's, the rows come straight from the driver: what Sequelize does to bound
 * values and to rows costs a read more CPU than the statement itself (docs/decisions/0009-reads-go-to-the-driver.md).
 * Outside a transaction, a read whose connection turns out to be lost is sent once more, on another.
 * @throws the driver's errors as they are
 */
export async function select<Row extends object>(
  { sequelize, onStatement }: Database,
  sql: string,
  bind: unknown[] = [],
  transaction?: Transaction,
): Promise<Row[]> {
  onStatement?.(sql);
  const statement = driverStatement(sql);
  const values = statement.order.map((index) => bind[index]);
  const run = (connection: mysql.Connection) =>
    new Promise<Row[]>((resolve, reject) => {
      connection.execute(statement.sql, values as mysql.ExecuteValues, (error, rows) =>
        error ? reject(error) : resolve(rows as unknown as Row[]),
      );
    });
  if (transaction) {
    const { connection, finished } = transaction as Transaction & { connection: mysql.Connection; finished?: string };
    if (finished) throw new Error(`This transaction is over (${finished}).`);
    return run(connection);
  }
  const { connectionManager } = sequelize;
  for (let attempt = 1; ; attempt++) {
    const connection = (await connectionManager.getConnection({ type: 'read' })) as mysql.Connection;
    try {
      return await run(connection);
    } catch (error) {
      if (attempt === 2 || !isLost(error)) throw error;
    } finally {
      connectionManager.releaseConnection(connection);
    }
  }
}

/** `$1, $2, …` for a list of `count` values, numbered from `first`. */
export const placeholders = (count: number, first = 1): string =>
  Array.from({ length: count }, (_, index) => `$${first + index}`).join(', ');

/**
 * A list for `IN (…)`, with its last value repeated up to the next power of two: each length is a statement of its own, and
 * only the most frequent ones are prepared.
 */
export const padded = <T>(values: T[]): T[] => {
  const last = values.at(-1);
  if (last === undefined) return values;
  return [...values, ...Array<T>(2 ** Math.ceil(Math.log2(values.length)) - values.length).fill(last)];
};

/** How many values such a list has at the most: a statement can have 65,535. */
export const longestList = 2 ** 14;
