import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { connect, type Database, disconnect, select } from './connection.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  db = connect(database.settingsOf('catalog'), { limits: { requestTimeout: 10_000, queueMax: 10 } });
});
afterAll(async () => {
  await disconnect(db);
  await database.drop();
});

/** Holds this whole process, as a debugger does, a paused container, or work without end. */
const holdProcess = (milliseconds: number) =>
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);

test('When the process has stood still for so long that the server closed all its connections, then reads are answered', async () => {
  const read = () => select<{ n: number }>(db, 'SELECT SLEEP(0.1) AS n');
  await Promise.all([read(), read(), read(), read()]);
  holdProcess(5_000);

  expect(await read()).toEqual([{ n: 0 }]);
});
