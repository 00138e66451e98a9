import { describe, expect, test } from '@jest/globals';
import { testDatabaseName, testServer } from '@shop/testing/database.ts';
import { grantAccounts } from './accounts.ts';
import { connect, select } from './connection/connection.ts';
import { migrate } from './migrate.ts';
import type { DatabaseSettings } from './settings.ts';

/** What can be typed into a setting: each means something to SQL, to a shell, to a template or to a URL. */
const awkward = ` p'a"s\`s\\ $$& $1 \${x} #-- /*%s;:@?ß密🛒\\`;

/** The account that a session has, and whether it may read the catalogue. */
async function whoAmI(settings: DatabaseSettings) {
  const db = connect({ ...settings, poolMax: 1 });
  try {
    const sql = 'SELECT USER() AS user, DATABASE() AS db, COUNT(*) AS products FROM product';
    return (await select<{ user: string; db: string; products: number }>(db, sql))[0];
  } finally {
    await db.sequelize.close();
  }
}

describe('grantAccounts', () => {
  test('When names and passwords have characters that mean something elsewhere, then each account can log in', async () => {
    const server = testServer();
    const owner = { ...server, database: `${testDatabaseName()}$$-$` };
    const name = owner.database.slice(5, 15);
    const accounts = {
      catalog: { user: `-c.${name}`, password: awkward },
      tagging: { user: `t-${name}`, password: `'; DROP TABLE product; -- ${awkward}` },
    };
    await migrate(owner);

    await grantAccounts(owner, accounts);
    // A second start sets the passwords again.
    await grantAccounts(owner, accounts);
    const found = [await whoAmI({ ...owner, ...accounts.catalog }), await whoAmI({ ...owner, ...accounts.tagging })];

    const db = connect({ ...server, database: '' });
    await db.sequelize.query(`DROP DATABASE \`${owner.database}\``);
    for (const { user } of Object.values(accounts)) await db.sequelize.query(`DROP USER '${user}'@'%'`);
    await db.sequelize.close();
    expect(found).toEqual([
      { user: expect.stringContaining(`-c.${name}@`), db: owner.database, products: 0 },
      { user: expect.stringContaining(`t-${name}@`), db: owner.database, products: 0 },
    ]);
  });
});
