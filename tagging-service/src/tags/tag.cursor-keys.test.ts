import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, select } from '@shop/db/connection/connection.ts';
import { rotateCursorKeys } from '@shop/db/cursor-keys.ts';
import { resourceServiceConfig } from '@shop/resources/resource-service.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';

let database: TestDatabase;
const services: TestService[] = [];
async function start(cursorKeys: string[] = [], password?: string): Promise<TestService> {
  const { settingsOf } = database;
  const changed = { ...database, settingsOf: () => ({ ...settingsOf('tagging'), ...(password ? { password } : {}) }) };
  const service = await startTestService(taggingService, { database: changed, cursorKeys });
  services.push(service);
  return service;
}

/** The cursor of the second page. */
async function nextCursor(service: TestService): Promise<string> {
  const { headers } = await service.get('/api/tags?_limit=1');
  return (
    new URLSearchParams(/<[^?]*\?([^>]*)>; rel="next"/.exec(String(headers.get('Link')))?.[1]).get('_cursor') ?? ''
  );
}

const read = (service: TestService, cursor: string) => service.get(`/api/tags?_limit=1&_cursor=${cursor}`);

/** Makes every key older by this many seconds. */
const age = (seconds: number) =>
  database.db.sequelize.query(`UPDATE tagging_cursor_key SET created_at = created_at - INTERVAL ${seconds} SECOND`);

describe('the keys of cursors', () => {
  beforeEach(async () => {
    database = await createTestDatabase();
    const rows = [1, 2, 3, 4].map((number) => ({ tag_name: `t${number}`, slug: `t${number}` }));
    await database.db.models.tag.bulkCreate(rows);
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await database.drop();
  });

  test('When the password of the account changes, then the cursors are the same', async () => {
    const before = await nextCursor(await start());
    const password = randomBytes(9).toString('hex');
    const { user } = database.settingsOf('tagging');
    await database.db.sequelize.query(`ALTER USER '${user}'@'%' IDENTIFIED BY '${password}'`);

    const after = await nextCursor(await start([], password));

    expect(after).toBe(before);
  });

  test("When they are rotated, then open pages stay valid, and replicas that read at other times take each other's cursors", async () => {
    const early = await start();
    const open = await nextCursor(early);
    await rotateCursorKeys(database.owner);
    const late = await start();
    // Not yet: a replica that has not read it would refuse it.
    expect(await nextCursor(late)).toBe(open);
    await age(3_600);

    const signed = await nextCursor(await start());

    expect(signed).not.toBe(open);
    expect((await read(late, open)).status).toBe(200);
    expect((await read(late, signed)).status).toBe(200);
    expect((await read(services[2] as TestService, open)).status).toBe(200);
  });

  test('When they were rotated a day ago, then older cursors are refused, and the next rotation forgets their keys', async () => {
    const open = await nextCursor(await start());
    await rotateCursorKeys(database.owner);
    await age(25 * 3_600);

    const { status, body } = await read(await start(), open);
    await rotateCursorKeys(database.owner);

    expect([status, body.errors[0].code]).toEqual([400, 'invalid_cursor']);
    expect(await select(database.db, 'SELECT id FROM tagging_cursor_key ORDER BY id')).toEqual([{ id: 2 }, { id: 3 }]);
  });

  test('When CURSOR_KEY has two, then the first signs and both verify', async () => {
    const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];
    const old = await nextCursor(await start([second]));
    const both = await start([first, second]);

    expect((await read(both, old)).status).toBe(200);
    expect(await nextCursor(both)).toBe(await nextCursor(await start([first])));
    expect((await read(await start(), old)).status).toBe(400);
  });

  test('When many cursors are made up, then the database is asked for keys once a second at the most', async () => {
    const service = await start();
    const began = performance.now();

    const answers = await atOnce(50, () => read(service, randomBytes(30).toString('base64url')));

    const seconds = (performance.now() - began) / 1000;
    const reads = service.statements.filter((sql) => sql.includes('tagging_cursor_key')).length;
    expect(answers.every(({ status }) => status === 400)).toBe(true);
    // The first is that of the start.
    expect(reads).toBeLessThanOrEqual(2 + Math.floor(seconds));
  });

  test.each([
    ['catalog', 'SELECT * FROM tagging_cursor_key'],
    ['tagging', 'SELECT * FROM catalog_cursor_key'],
    ['tagging', "INSERT INTO tagging_cursor_key (secret) VALUES ('mine')"],
    ['tagging', 'DELETE FROM tagging_cursor_key'],
  ] as const)('When the %s account tries "%s", then the database refuses', async (account, statement) => {
    const db = connect({ ...database.settingsOf(account), poolMax: 1 });

    await expect(db.sequelize.query(statement)).rejects.toThrow(/command denied/);

    await db.sequelize.close();
  });
});

describe('CURSOR_KEY', () => {
  test.each(['short', `${'x'.repeat(32)},`, `${'x'.repeat(32)},${'y'.repeat(31)}`])(
    'When CURSOR_KEY is %s, then the start is refused in one line that does not show it',
    (CURSOR_KEY) => {
      const env = { DB_HOST: 'localhost', DB_USER: 'shop', CURSOR_KEY };

      expect(() => resourceServiceConfig(taggingService, env)).toThrow(
        'tagging-service cannot start: CURSOR_KEY must be keys of 32 or more characters with commas between them, such as "openssl rand -base64 32" makes, got "…"',
      );
    },
  );
});
