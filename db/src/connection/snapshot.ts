import { forAll } from '@shop/service-kit/deadline.ts';
import type * as mysql from 'mysql2';
import { isLost } from '../errors.ts';
import type { Database, Transaction } from './connection.ts';
import { isMariaDb } from './statement-deadline.ts';

/**
 * What a session is while it reads a snapshot, and after it: without autocommit the first read begins a transaction, in which all
 * see what it saw. (START TRANSACTION WITH CONSISTENT SNAPSHOT would be one more, as
 * the isolation level has to be set before, and it says nothing at all at the level that sessions have.)
 */
const setSession = (connection: mysql.Connection, isolation: string, autocommit: number): string =>
  `SET SESSION ${isMariaDb(connection) ? 'tx_isolation' : 'transaction_isolation'} = '${isolation}', SESSION autocommit = ${autocommit}`;

const send = (connection: mysql.Connection, sql: string): Promise<void> =>
  new Promise((resolve, reject) => {
    connection.query(sql, (error) => (error ? reject(error) : resolve()));
  });

/**
 * Runs reads that see one state of the database, whatever is written meanwhile: `work` hands what it is given to `select` as its
 * transaction. It costs one round trip before the first read; its end is waited for by nobody but the next who gets the
 * connection. When the connection turns out to be lost, all of it is read once more, on another.
 * @throws the driver's errors as they are
 */
export async function inSnapshot<T>(db: Database, work: (snapshot: Transaction) => Promise<T>): Promise<T> {
  const { connectionManager } = db.sequelize;
  for (let attempt = 1; ; attempt++) {
    const connection = (await connectionManager.getConnection({ type: 'read' })) as mysql.Connection;
    const snapshot = { connection, finished: undefined as string | undefined };
    const end = () => {
      snapshot.finished = 'read';
      // For all who get the connection: the client of this request may have its response, and be gone, before the end.
      forAll(() =>
        // Committed first: MariaDB keeps the level that a transaction has for the next one when only `autocommit` ends it.
        send(connection, 'COMMIT')
          .then(() => send(connection, setSession(connection, 'READ-COMMITTED', 1)))
          // A session that cannot be ended is no use to anybody.
          .catch(() => connection.destroy())
          .finally(() => connectionManager.releaseConnection(connection)),
      );
    };
    try {
      await send(connection, setSession(connection, 'REPEATABLE-READ', 0));
      return await work(snapshot as unknown as Transaction);
    } catch (error) {
      if (attempt === 2 || !isLost(error)) throw error;
    } finally {
      end();
    }
  }
}
