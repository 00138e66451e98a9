import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { grantAccounts } from '@shop/db/accounts.ts';
import { connect, type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { inTransaction } from '@shop/db/connection/transaction.ts';
import { migrate } from '@shop/db/migrate.ts';
import type { DatabaseSettings, ServiceAccount } from '@shop/db/settings.ts';

/** A database of a test's own, on the server that the test run started. */
export interface TestDatabase {
  owner: DatabaseSettings;
  /** The settings by which a service connects: with the rights that it has in production. */
  settingsOf(account: ServiceAccount): DatabaseSettings;
  /** A connection with every right, for what no service may do. Closed by `drop`. */
  db: Database;
  drop(): Promise<void>;
}

/** The settings of the test run's server; each test makes databases on it. */
export function testServer(): DatabaseSettings {
  const text = process.env.TEST_DATABASE;
  if (!text) throw new Error('No test database: run these tests with "npm test" or "npm run jest".');
  return JSON.parse(text) as DatabaseSettings;
}

/** A database name that no other test has. */
export const testDatabaseName = (): string => `test_${randomBytes(6).toString('hex')}`;

/**
 * Makes a database, migrates it, and gives the services' accounts their rights on it.
 * @param database its name; it may be there already
 */
export async function createTestDatabase(database = testDatabaseName()): Promise<TestDatabase> {
  const owner = { ...testServer(), database };
  await migrate(owner);
  const accounts = {
    catalog: { user: `${owner.database}_c`, password: randomBytes(9).toString('hex') },
    tagging: { user: `${owner.database}_t`, password: randomBytes(9).toString('hex') },
  };
  await grantAccounts(owner, accounts);
  const db = connect(owner);
  return {
    owner,
    settingsOf: (account) => ({ ...owner, ...accounts[account] }),
    db,
    drop: async () => {
      await db.sequelize.query(`DROP DATABASE \`${owner.database}\``);
      for (const { user } of Object.values(accounts)) await db.sequelize.query(`DROP USER '${user}'@'%'`);
      await db.sequelize.close();
    },
  };
}

/** Runs `work` while a transaction, which it is given, holds a product's row. What `work` writes there is committed after it. */
export const whileLocked = <T>(
  { db }: TestDatabase,
  productId: number,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> =>
  inTransaction(db, async (transaction) => {
    await select(db, 'SELECT id FROM product WHERE id = $1 FOR UPDATE', [productId], transaction);
    return work(transaction);
  });

/** A connection that the server has. */
export interface ServerConnection {
  id: number;
  user: string;
  database: string | null;
  /** What the server is at work on for it. */
  statement: string | null;
}

/**
 * The connections of a database's server. They are shown, not selected: MySQL's information_schema.processlist fails as a whole
 * while any statement that runs has a value which is not UTF-8, such as a digest.
 */
export async function serverConnections(db: Database): Promise<ServerConnection[]> {
  const rows = await select<{ Id: number; User: string; db: string | null; Command: string; Info: string | null }>(
    db,
    'SHOW FULL PROCESSLIST',
  );
  return rows.map(({ Id, User, db: database, Command, Info }) => ({
    id: Id,
    user: User,
    database,
    statement: Command === 'Sleep' ? null : Info,
  }));
}

/** Waits until the server is at work on statements like `pattern` in this database, and resolves to their connections. */
export async function untilRunning({ db, owner }: TestDatabase, pattern: RegExp): Promise<ServerConnection[]> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    const running = (await serverConnections(db)).filter(
      ({ database, statement }) => database === owner.database && statement !== null && pattern.test(statement),
    );
    if (running.length > 0) return running;
    await delay(10);
  }
  throw new Error(`nothing runs that is like ${pattern}`);
}

/** What the server says of the last deadlock that it has met: the tables that were in it, and the databases that these are in. */
export async function lastDeadlock({ db }: TestDatabase): Promise<string> {
  const [row] = await select<{ Status: string }>(db, 'SHOW ENGINE INNODB STATUS');
  return /LATEST DETECTED DEADLOCK.*?\nTRANSACTIONS\n/s.exec(row?.Status ?? '')?.[0] ?? '';
}
