import { randomBytes } from 'node:crypto';
import { grantAccounts } from './accounts.ts';
import { connect, type Database } from './connection.ts';
import { migrate } from './migrate.ts';
import type { DatabaseSettings, ServiceAccount } from './settings.ts';

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

/** Makes a database, migrates it, and gives the services' accounts their rights on it. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const owner = { ...testServer(), database: testDatabaseName() };
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
