import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Database, select } from '@shop/db/connection/connection.ts';
import { fillSearchText } from '@shop/db/search/search-text.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { checkIntegrity, type Finding } from './integrity.ts';
import { cases, product, sums } from './integrity-checks/testing.ts';
import { seed } from './seed.ts';

let database: TestDatabase;
/** One session that checks nothing: what it writes is what an import with foreign keys off, or an older release, may leave. */
let careless: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  await seed(database.owner);
  careless = connect({ ...database.owner, poolMax: 1 }, { multipleStatements: true });
  const constraints = {
    product: ['product_name_not_empty', 'product_status', 'product_price', 'product_stock'],
    category: ['category_name_not_empty'],
    tag: ['tag_name_not_empty'],
  };
  const indexes = {
    category: ['category_sibling_name', 'category_slug'],
    tag: ['tag_name', 'tag_slug'],
    product: ['product_slug', 'product_sku'],
  };
  await careless.sequelize.query(
    [
      'SET SESSION foreign_key_checks = 0',
      ...Object.entries(constraints).flatMap(([table, names]) =>
        names.map((name) => `ALTER TABLE ${table} DROP CONSTRAINT ${name}`),
      ),
      ...Object.entries(indexes).flatMap(([table, names]) =>
        names.map((name) => `ALTER TABLE ${table} DROP INDEX ${name}`),
      ),
    ].join(';'),
  );
});
afterAll(async () => {
  await careless.sequelize.close();
  await database.drop();
});

async function check(options?: { repair: boolean }): Promise<Finding[]> {
  const findings: Finding[] = [];
  for await (const finding of checkIntegrity(database.db, options)) findings.push(finding);
  return findings;
}
/** What was found, where anything was: how many and which. */
const faultsOf = (findings: Finding[]) =>
  Object.fromEntries(
    findings.filter(({ found }) => found > 0).map(({ what, found, examples }) => [what, [found, ...examples]]),
  );

describe('the checks of the data', () => {
  test('When the data are as the services leave them, then each check finds nothing', async () => {
    const findings = await check();

    expect(findings).toHaveLength(cases.length);
    expect(faultsOf(findings)).toEqual({});
  });

  test.each(cases)(
    'When there are $what, then they are found, repaired and gone',
    async ({ what, damage, found, also, after }) => {
      await careless.sequelize.query(damage.join(';'));
      await fillSearchText(database.db);

      expect(faultsOf(await check())).toEqual({ [what]: found, ...also });
      const repaired = await check({ repair: true });
      expect(faultsOf(repaired)).toHaveProperty([what], found);
      expect(repaired.filter(({ left }) => left > 0)).toEqual([]);
      expect(faultsOf(await check())).toEqual({});
      const [question, answer] = after;
      expect(await select(database.db, question)).toEqual(answer);
    },
  );

  test('When they only check, then nothing is changed', async () => {
    await careless.sequelize.query([product(601, { stock: -1, price: -1, category_id: 9_999 })].join(';'));
    const row = () => select(database.db, 'SELECT * FROM product WHERE id = 601');
    const before = await row();

    await check();

    expect(await row()).toEqual(before);
    await check({ repair: true });
  });

  test('When one product breaks every rule, then one repair mends them all', async () => {
    const values = {
      stock: -1,
      price: -1,
      status: "'?'",
      product_name: "''",
      category_id: 9_999,
      slug: "'cargo-shorts'",
    };
    await careless.sequelize.query(product(611, values));

    expect((await check({ repair: true })).filter(({ left }) => left > 0)).toEqual([]);

    expect(faultsOf(await check())).toEqual({});
  });

  test('When a ledger is further off than one movement can say, then it is repaired by several, and others with it', async () => {
    const most = 2_147_483_647;
    const far = Array.from(
      { length: 3 },
      () => `INSERT INTO stock_movement (product_id, delta, stock) VALUES (621, -${most}, 0)`,
    );
    await careless.sequelize.query([product(621, { stock: most }), ...far, product(622, { stock: 2 })].join(';'));

    const repaired = await check({ repair: true });

    expect(faultsOf(repaired)[sums]?.[0]).toBe(2);
    expect(faultsOf(await check())).toEqual({});
  });

  test('When more are wrong than fit a step, then all are repaired', async () => {
    const ids = Array.from({ length: 1_201 }, (_, index) => 10_001 + index);
    await careless.sequelize.query(ids.map((id) => product(id, { stock: 2 })).join(';'));

    const repaired = faultsOf(await check({ repair: true }));

    expect(repaired[sums]?.[0]).toBe(1_201);
    expect(faultsOf(await check())).toEqual({});
  });
});
