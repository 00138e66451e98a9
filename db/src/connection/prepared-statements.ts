import type * as mysql from 'mysql2';
import { hasErrno } from '../errors.ts';
import { socketOf } from './watchdog.ts';

/**
 * How many prepared statements a process has open at a server at the most, on all of its connections together. A server has
 * `max_prepared_stmt_count` (16,382) for everyone (docs/decisions/0019-few-prepared-statements.md).
 */
export const mostPrepared = 1_000;

/** How many there are on each connection of a pool of `connections`. */
export const preparedPerConnection = (connections: number): number =>
  Math.max(1, Math.min(100, Math.floor(mostPrepared / connections)));

/** How often a statement is seen before it is prepared. */
const often = 3;

/** A longer statement is never prepared: it is rare, and the server would keep all of it. In characters. */
export const longestPrepared = 4_096;

/** How many different statements are counted, and how many statements are counted together. */
const mostCounted = 1_000;
const period = 10_000;

/** Milliseconds for which nothing is prepared, once the server has refused to. */
const respite = 10_000;

/** What the statements of a pool have been so far. */
export interface StatementCounts {
  /** Prepared statements that are open at the server. */
  prepared: number;
  /** How many there can be. */
  preparedMax: number;
  /** Statements that were sent with their values in the text. */
  unprepared: number;
  /** Those among them that the server had refused to prepare. */
  refused: number;
}

type Callback = (error: mysql.QueryError | null, ...results: unknown[]) => void;
type Execute = (sql: string, values: readonly unknown[], callback: Callback) => unknown;
type Query = (
  options: { sql: string; values: readonly unknown[]; typeCast: mysql.TypeCast },
  callback: Callback,
) => unknown;

/** The driver's cache of prepared statements, which its types keep to themselves. */
const openOn = (connection: mysql.Connection): { size: number; clear(): void } =>
  (connection as unknown as { _statements: { size: number; clear(): void } })._statements;

/** A value that stands in the text of a statement as it would be bound: an object or array is JSON, and no list of values. */
function literalOf(value: unknown): unknown {
  if (value === undefined) throw new TypeError('Bind parameters must not contain undefined.');
  const isStructure =
    typeof value === 'object' && value !== null && !(value instanceof Date) && !Buffer.isBuffer(value);
  return isStructure ? JSON.stringify(value) : value;
}

/** Reads every digit of a number such as a search's relevance, by which pages follow one another; the driver's own way may not. */
const exactly: mysql.TypeCast = (field, next) => {
  if (field.type !== 'DOUBLE') return next();
  const text = field.string();
  return text === null ? null : Number(text);
};

/**
 * Decides which statements of a pool's connections are prepared: those that come most often. All others are sent as text, with
 * their values escaped by the driver, so that neither clients who ask for ever different lists nor a server that has no room
 * for more can keep a statement from being run.
 */
export class PreparedStatements {
  readonly perConnection: number;
  readonly #connections: number;
  readonly #open = new Set<mysql.Connection>();
  /** How often each statement has come lately. */
  #counts = new Map<string, number>();
  #counted = 0;
  /** The statements that are prepared. */
  #chosen = new Set<string>();
  #refusedUntil = 0;
  #unprepared = 0;
  #refused = 0;

  /** @param connections of the pool, at the most */
  constructor(connections: number) {
    this.#connections = connections;
    this.perConnection = preparedPerConnection(connections);
  }

  get counts(): StatementCounts {
    let prepared = 0;
    for (const connection of this.#open) prepared += openOn(connection).size;
    return {
      prepared,
      preparedMax: this.perConnection * this.#connections,
      unprepared: this.#unprepared,
      refused: this.#refused,
    };
  }

  /**
   * Makes a connection's `execute` prepare what is chosen, and send everything else as text. Its driver's cache has to be as
   * large as {@link perConnection}.
   */
  install(connection: mysql.Connection): void {
    const driver = connection as unknown as { execute: Execute; query: Query };
    const execute = driver.execute.bind(connection);
    const query = driver.query.bind(connection);
    const sendText: Execute = (sql, values, callback) => {
      this.#unprepared += 1;
      return query({ sql, values: values.map(literalOf), typeCast: exactly }, callback);
    };
    driver.execute = (sql, values, callback) => {
      if (!this.#isChosen(sql)) return sendText(sql, values, callback);
      return execute(sql, values, (error, ...results) => {
        if (error === null || !hasErrno(error, 'tooManyPrepared')) return callback(error, ...results);
        this.#giveUp();
        sendText(sql, values, callback);
      });
    };
    this.#open.add(connection);
    socketOf(connection).once('close', () => this.#open.delete(connection));
  }

  /** Counts a statement, and says whether it is one that is prepared. */
  #isChosen(sql: string): boolean {
    if (sql.length > longestPrepared) return false;
    this.#counted += 1;
    if (this.#counted > period) this.#choose();
    const count = (this.#counts.get(sql) ?? 0) + 1;
    if (count > 1 || this.#counts.size < mostCounted) this.#counts.set(sql, count);
    if (count >= often && this.#chosen.size < this.perConnection) this.#chosen.add(sql);
    return this.#chosen.has(sql) && performance.now() >= this.#refusedUntil;
  }

  /** Chooses anew: those that came most often. What is older counts half. */
  #choose(): void {
    const byCount = [...this.#counts].toSorted(([, one], [, other]) => other - one);
    const chosen = byCount.filter(([, count]) => count >= often).slice(0, this.perConnection);
    this.#chosen = new Set(chosen.map(([sql]) => sql));
    this.#counts = new Map(byCount.flatMap(([sql, count]) => (count > 1 ? [[sql, Math.floor(count / 2)]] : [])));
    this.#counted = 0;
  }

  /** The server has no room: gives back what this process has of it, and asks for none for a while. */
  #giveUp(): void {
    this.#refused += 1;
    if (performance.now() < this.#refusedUntil) return;
    this.#refusedUntil = performance.now() + respite;
    for (const connection of this.#open) openOn(connection).clear();
  }
}
