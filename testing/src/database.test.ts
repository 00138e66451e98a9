import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { select, type Transaction } from '@shop/db/connection/connection.ts';
import { createTestDatabase, lastDeadlock, type TestDatabase, untilRunning } from './database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

test('When a statement runs that has a digest among its values, then what runs can be seen all the same', async () => {
  const digest = Buffer.from('8b045c51ff00b7', 'hex');
  const sleeping = select(database.db, 'SELECT SLEEP(1), $1 AS digest', [digest]);

  const [running] = await untilRunning(database, /SLEEP/);
  await sleeping;

  expect(running).toMatchObject({ user: database.owner.user, statement: expect.stringContaining('SLEEP(1)') });
});

test('When two writers take the same rows in different orders, then the deadlock that they meet is said to be of this database', async () => {
  const { db, owner } = database;
  await db.models.tag.bulkCreate(['a', 'b'].map((name) => ({ tag_name: name, slug: name })));
  const write = (slug: string, transaction: Transaction) =>
    db.models.tag.update({ version: 2 }, { where: { slug }, transaction });
  const before = await lastDeadlock(database);

  const [one, other] = [await db.sequelize.transaction(), await db.sequelize.transaction()];
  await Promise.all([write('a', one), write('b', other)]);
  const crossed = await Promise.allSettled([write('b', one), write('a', other)]);
  await Promise.allSettled([one.rollback(), other.rollback()]);

  expect(crossed.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  expect(before).not.toContain(owner.database);
  expect(await lastDeadlock(database)).toContain(owner.database);
});
