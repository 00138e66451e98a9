import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { select } from './connection.ts';
import { createTestDatabase, type TestDatabase, untilRunning } from './testing.ts';

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
