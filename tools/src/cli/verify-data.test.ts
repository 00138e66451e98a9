import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { createTestDatabase, type TestDatabase, testDatabaseName } from '@shop/testing/database.ts';
import { seed } from '../seed.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
  await seed(database.owner);
});
afterAll(() => database.drop());

/** Runs the command to its end. */
async function run(owner: DatabaseSettings, ...words: string[]) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'verify-data.ts'), ...words], {
    env: {
      PATH: process.env.PATH,
      ENV_FILE: '',
      DB_HOST: owner.host,
      DB_PORT: String(owner.port),
      DB_NAME: owner.database,
      DB_USER: owner.user,
      DB_PASSWORD: owner.password,
    },
  });
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  return { code, lines: `${stdout}${stderr}`.trimEnd().split('\n') };
}

describe('db:verify', () => {
  test('When the data are sound, then each check has a line that says 0, and the exit code is 0', async () => {
    const { code, lines } = await run(database.owner);

    expect(code).toBe(0);
    expect(lines.slice(0, -1).filter((line) => !/^ +0 {2}[a-z]/.test(line))).toEqual([]);
    expect(lines.at(-1)).toMatch(/keep all \d+ rules/);
  });

  test('When a stock was changed past the ledger, then it says where, repairs it when told to, and then is content', async () => {
    await database.db.models.product.update({ stock: 99 }, { where: { id: [2, 4] } });

    const found = await run(database.owner);
    expect(found.code).toBe(1);
    expect(found.lines).toContain('       2  products whose movements do not add up to their stock: 2, 4');
    expect(found.lines.at(-1)).toContain('npm run db:verify -- --repair');

    const repaired = await run(database.owner, '--repair');
    expect(repaired.code).toBe(0);
    expect(repaired.lines).toContain(
      '       2  products whose movements do not add up to their stock: 2, 4; given a movement "repair" of the difference',
    );
    expect((await run(database.owner, '--repair')).lines.at(-1)).toMatch(/keep all \d+ rules\.$/);
  });

  test('When it gets an option that it does not have, then it says so in one line and exits with 1', async () => {
    const { code, lines } = await run(database.owner, '--repiar');

    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringContaining("'--repiar'")] });
  });

  test('When there is no such database, then it says so in one line and exits with 1', async () => {
    const { code, lines } = await run({ ...database.owner, database: testDatabaseName() });

    expect({ code, lines }).toEqual({ code: 1, lines: [expect.stringContaining('npm run db:schema')] });
  });
});
