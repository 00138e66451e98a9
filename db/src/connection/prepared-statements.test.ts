import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { databaseSettingsShape } from '../settings.ts';
import { connect, type Database, disconnect, QueryTypes, select } from './connection.ts';
import { mostPrepared, preparedPerConnection } from './prepared-statements.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  db = connect({ ...database.owner, poolMax: 1 });
});
afterEach(() => disconnect(db));

/** What each run of a statement gives: two as text, and one of the statement that is prepared then. */
async function asTextAndPrepared<T>(run: () => Promise<T>): Promise<[T, T, T]> {
  const before = db.statements.counts;
  const results: [T, T, T] = [await run(), await run(), await run()];
  const { unprepared, prepared } = db.statements.counts;
  expect([unprepared - before.unprepared, prepared - before.prepared]).toEqual([2, 1]);
  return results;
}

/** More digits than the driver reads by itself. */
const realNumber = Number('9.123456789012345');

/** Columns of every type that the schema has, or a statement gives, each with values that are hard to write or to read. */
const columns: Record<string, [type: string, ...values: unknown[]]> = {
  name: [
    'VARCHAR(255)',
    `'; DROP TABLE x; -- \\' "?" \\0\0\b\n\r\t\x1a %_|`,
    'ハパ \u{1F600} é\u2028',
    '',
    "\\'",
    null,
  ],
  prose: ['MEDIUMTEXT', '\\'.repeat(1_001), "'".repeat(1_001), '/* ? */ -- ?', '#', null],
  state: ["ENUM('draft', 'active')", 'draft', 'active', 'draft', 'active', null],
  small: ['TINYINT(1)', true, false, 1, 0, null],
  number: ['INT', 2_147_483_647, -2_147_483_648, 0, -1, null],
  positive: ['INT UNSIGNED', 4_294_967_295, 0, 1, 2, null],
  large: ['BIGINT', 9_007_199_254_740_991, -9_007_199_254_740_991, '9223372036854775807', 5n, null],
  price: ['DECIMAL(10, 2)', '99999999.99', '0.07', 8.29, 0.1 + 0.2, null],
  real_number: ['DOUBLE', realNumber, 0.1 + 0.2, 1e300, 5e-324, null],
  moment: [
    'DATETIME(3)',
    '2026-11-22 14:30:00.007',
    '1999-12-31 23:59:59.999',
    '2026-01-01',
    '2026-01-01 00:00:00.1',
    null,
  ],
  digest: [
    'BINARY(4)',
    Buffer.from([0, 39, 92, 255]),
    Buffer.from("''\\\\"),
    Buffer.from('abcd'),
    Buffer.alloc(4),
    null,
  ],
  bytes: ['MEDIUMBLOB', Buffer.from([0, 39, 92, 255, 10]), Buffer.alloc(0), Buffer.from('é'), Buffer.from('?'), null],
  data: ['JSON', '{"a":[1,12345678901234567890,0.1,null,"\\\\ \\u2028 \' ?"]}', '[]', { b: ["'", '\\'] }, ['?'], null],
};

describe('a statement as text and prepared', () => {
  beforeAll(async () => {
    const types = Object.entries(columns).map(([name, [type]]) => `${name} ${type}`);
    await database.db.sequelize.query(
      `CREATE TABLE every_type (id INT AUTO_INCREMENT PRIMARY KEY, ${types.join(', ')}, FULLTEXT (name))`,
    );
  });

  test('When values are written, then they are the same, and are read as the same', async () => {
    const names = Object.keys(columns);
    const marks = names.map((_, index) => `$${index + 1}`);
    const sql = `INSERT INTO every_type (${names.join(', ')}) VALUES (${marks.join(', ')})`;
    for (const row of [1, 2, 3, 4, 5]) {
      const bind = Object.values(columns).map((values) => values[row]);
      // A statement of its own for each row: the first two times it is text.
      await asTextAndPrepared(() => db.sequelize.query(`${sql} /* ${row} */`, { type: QueryTypes.INSERT, bind }));
    }

    const read = `SELECT ${names.join(', ')}, COUNT(*) OVER () AS count, SUM(price) OVER () AS sum FROM every_type ORDER BY id`;
    const [text, , prepared] = await asTextAndPrepared(() => select<Record<string, unknown>>(db, read));
    // Milliseconds that are zero are left out of a prepared statement's rows; `toTimestamp` knows.
    for (const row of prepared) row.moment &&= `${row.moment}.000`.slice(0, 23);
    expect(text).toEqual(prepared);
    expect(text.length).toBe(15);
    for (let index = 0; index < 15; index += 3) {
      expect(text[index + 1]).toEqual(text[index]);
      expect(text[index + 2]).toEqual(text[index]);
    }
    for (const name of ['name', 'prose', 'real_number', 'digest', 'bytes']) {
      expect(text.filter((_, index) => index % 3 === 0).map((row) => row[name])).toEqual(columns[name]?.slice(1));
    }
  });

  test.each([
    ['a text', 'name = $1', `'; DROP TABLE x; -- \\' "?" \\0\0\b\n\r\t\x1a %_|`],
    ['a pattern', "name LIKE $1 ESCAPE '|'", '%|%|_||%'],
    ['a number', 'number <= $1', -1],
    ['a number as text', 'number <= $1', '-1'],
    ['a large number', 'large >= $1', 9_007_199_254_740_991],
    ['an exact decimal', 'price = CAST($1 AS DECIMAL(21, 6))', '0.070000'],
    ['a real number', 'real_number = $1', realNumber],
    ['a time', 'moment >= $1', '2026-11-22 14:30:00.007'],
    ['bytes', 'digest = $1', Buffer.from([0, 39, 92, 255])],
    ['nothing', 'name <=> $1', null],
    ['a limit', 'TRUE ORDER BY id LIMIT $1', 2n],
  ])('When rows are looked for by %s, then they are the same', async (_, condition, value) => {
    const sql = `SELECT id FROM every_type WHERE ${condition}`;
    const [text, , prepared] = await asTextAndPrepared(() => select(db, sql, [value]));

    expect(text).toEqual(prepared);
    expect(text.length).toBeGreaterThan(0);
  });

  test('When rows have a relevance, then it is the same to the last digit', async () => {
    const insert = 'INSERT INTO every_type (name) VALUES ($1)';
    const texts = Array.from({ length: 40 }, (_, index) => 'word '.repeat(index % 23) + 'other '.repeat(index % 7));
    for (const text of texts) await db.sequelize.query(insert, { type: QueryTypes.INSERT, bind: [text] });
    const score = 'MATCH (name) AGAINST ($1 IN BOOLEAN MODE)';
    const read = `SELECT id, ${score} AS score, ${score} * 7.3 AS more FROM every_type WHERE ${score} ORDER BY id`;
    const [text, , prepared] = await asTextAndPrepared(() => select(db, read, ['word other']));

    expect(text).toEqual(prepared);
    expect(text.length).toBeGreaterThan(30);
  });
});

describe('which statements are prepared', () => {
  test('When a great many different ones come, then no more than its share are open, and a frequent one is among them', async () => {
    for (let number = 0; number < 300; number++) {
      for (let time = 0; time < 3; time++) await select(db, `SELECT ${number} AS n`);
      await select(db, "SELECT 'frequent' AS n");
    }

    const { counts } = db.statements;
    expect(counts.prepared).toBe(preparedPerConnection(1));
    const before = counts.unprepared;
    await select(db, "SELECT 'frequent' AS n");
    expect(db.statements.counts.unprepared).toBe(before);
    const [row] = await select<{ Value: string }>(db, "SHOW SESSION STATUS LIKE 'Com_stmt_close'");
    expect(Number(row?.Value)).toBe(0);
  });

  test('When another becomes frequent, then it is prepared, and the server closes what it replaces', async () => {
    for (let number = 0; number < 100; number++) {
      for (let time = 0; time < 3; time++) await select(db, `SELECT ${number} AS n`);
    }
    for (let time = 0; time < 10_000; time++) await select(db, "SELECT 'another' AS n");

    const { prepared, unprepared } = db.statements.counts;
    expect(prepared).toBe(preparedPerConnection(1));
    await select(db, "SELECT 'another' AS n");
    expect(db.statements.counts.unprepared).toBe(unprepared);
    const [row] = await select<{ Value: string }>(db, "SHOW SESSION STATUS LIKE 'Com_stmt_close'");
    expect(Number(row?.Value)).toBe(1);
  });

  test('When a pool is as large as it may be, then its statements are still within the bound of a process', () => {
    const largest = [2, 10, 37, 1_000].map((connections) => connections * preparedPerConnection(connections));
    expect(Math.max(...largest)).toBeLessThanOrEqual(mostPrepared);
    expect(databaseSettingsShape.DB_POOL_MAX.safeParse('1001').success).toBe(false);
  });
});
