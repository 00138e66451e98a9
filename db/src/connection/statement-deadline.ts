import { EventEmitter } from 'node:events';
import { remaining } from '@shop/service-kit/deadline.ts';
import type * as mysql from 'mysql2';
import { DeadlineError } from '../errors.ts';
import { type Awaited, socketOf, type Watchdog } from './watchdog.ts';

/** The share of what is left that the server is given: it should say that the time is up before this process does. */
const share = 0.95;

/** The cap stays as it is while it is so near to what is left. What it is too long, the watchdog makes up for. */
const near = { least: 0.75, most: 1.25 };

/** Milliseconds that a transaction has at least to come to its end, when its time is up. */
const lastMoment = 1_000;

/** MariaDB begins its version with that of an old MySQL, for the sake of replication, and ends it with its own name. */
export const isMariaDb = (connection: mysql.Connection): boolean =>
  /mariadb/i.test(
    (connection as { _handshakePacket?: { serverVersion?: string } })._handshakePacket?.serverVersion ?? '',
  );

/** What caps the time of a statement in a session. (MySQL caps only those that read: the watchdog kills the others.) */
const capAssignment = (connection: mysql.Connection, milliseconds: number): string =>
  isMariaDb(connection)
    ? `max_statement_time = ${(milliseconds / 1_000).toFixed(3)}`
    : `max_execution_time = ${Math.ceil(milliseconds)}`;

/** The first cap of a session, as a part of a `SET SESSION`. */
export const firstCap = (connection: mysql.Connection, requestTimeout: number): string =>
  capAssignment(connection, requestTimeout * share);

type Send = (...given: unknown[]) => unknown;

/**
 * Makes every statement on a connection obey the deadline of the work that sends it. Nothing is sent when the time is up, but
 * for the end of a transaction. The server has a cap, which is set anew only when it is far from what is left, so that most
 * statements cost no round trip more. When the server does not end a statement, the connection is given up and killed.
 * @param requestTimeout milliseconds that a statement has where there is no deadline
 */
export function obeyDeadlines(connection: mysql.Connection, watchdog: Watchdog, requestTimeout: number): void {
  let cap = requestTimeout * share;
  const plainQuery = connection.query.bind(connection);
  const limited =
    (send: Send): Send =>
    (...given) => {
      const [statement] = given as [string | { sql: string }];
      const text = typeof statement === 'string' ? statement : statement.sql;
      const callback = given.at(-1) as (...results: unknown[]) => void;
      const now = performance.now();
      let left = remaining();
      if (text.startsWith('COMMIT') || text.startsWith('ROLLBACK')) {
        left = Math.max(left, lastMoment);
      } else if (left <= 0) {
        process.nextTick(callback, new DeadlineError());
        return new EventEmitter();
      } else {
        const time = Math.min(left, requestTimeout);
        if (cap < time * near.least || cap > time * near.most) {
          cap = Math.max(1, time * share);
          // The driver sends it first. If it fails, so does the statement.
          plainQuery(`SET SESSION ${capAssignment(connection, cap)}`, () => {});
        }
      }
      const awaited: Awaited = {
        since: now,
        deadline: now + left,
        fail: (error) => {
          watchdog.asked.delete(awaited);
          socketOf(connection).destroy(error);
          if (error instanceof DeadlineError && connection.threadId) watchdog.kill(connection.threadId);
        },
      };
      watchdog.watch(watchdog.asked, awaited);
      given[given.length - 1] = (...results: unknown[]) => {
        watchdog.asked.delete(awaited);
        callback(...results);
      };
      return send(...given);
    };
  const driver = connection as unknown as { query: Send; execute: Send };
  driver.query = limited(driver.query.bind(connection));
  driver.execute = limited(driver.execute.bind(connection));
}
