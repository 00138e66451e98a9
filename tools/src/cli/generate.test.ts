import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type Database, select } from '@shop/db/connection/connection.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { testDatabaseName, testServer } from '@shop/testing/database.ts';

let server: Database;
const names: string[] = [];
beforeAll(() => {
  server = connect(testServer());
});
afterAll(async () => {
  for (const name of names) await server.sequelize.query(`DROP DATABASE IF EXISTS \`${name}\``);
  await server.sequelize.close();
});

/** The settings of a database that the command will create. */
function newDatabase(): DatabaseSettings {
  const settings = { ...testServer(), database: testDatabaseName() };
  names.push(settings.database);
  return settings;
}

const environmentOf = ({ host, port, database, user, password }: DatabaseSettings): NodeJS.ProcessEnv => ({
  DB_HOST: host,
  DB_PORT: String(port),
  DB_NAME: database,
  DB_USER: user,
  DB_PASSWORD: password,
});

/** Starts the command; `ended` is its exit code and what it has said. */
function start(words: string[], env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, ['tools/src/cli/generate.ts', ...words], {
    cwd: path.join(import.meta.dirname, '../../..'),
    env: { PATH: process.env.PATH, ENV_FILE: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)]).then(
    ([[code], stdout, stderr]) => ({ code, stdout, stderr }),
  );
  return { child, ended };
}

/** How many products are in beside the five classic ones; 0 also as long as there is no table. */
async function generatedProducts({ database }: DatabaseSettings): Promise<number> {
  const sql = `SELECT COUNT(*) AS count FROM \`${database}\`.product WHERE id > 5`;
  const [row] = await select<{ count: number }>(server, sql).catch(() => []);
  return Number(row?.count ?? 0);
}

const elsewhere = { DB_HOST: 'db.example.com', DB_USER: 'shop' };

describe('db:generate', () => {
  test('When it is done, then it says what is in, and a second run is refused in one line', async () => {
    const database = newDatabase();
    const env = environmentOf(database);

    const first = await start(['--products', '1500'], env).ended;
    const second = await start(['--products', '1500'], env).ended;

    expect(first).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/400 tags, 1,500 products, 3,\d{3} links, 1,\d{3} movements of stock\.\n$/),
    });
    expect(first.stderr).toMatch(/(^|\n)100 %, 1,500\/1,500 products, [\d,]+ rows\/s, in \d+ s\n$/);
    expect(second).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^db:generate: Nothing was written: .*\n$/),
    });
    expect(await generatedProducts(database)).toBe(1_500);
  });

  /** Starts a long run and waits until its first products are in. */
  async function startLong(database: DatabaseSettings) {
    const started = start(['--products', '1000000'], environmentOf(database));
    while (started.child.exitCode === null && (await generatedProducts(database)) === 0) await delay(20);
    return started;
  }

  test('When it gets Ctrl-C, which npm hands on once more, then it says how many products are in, and the exit code is 130', async () => {
    const database = newDatabase();
    const { child, ended } = await startLong(database);

    child.kill('SIGINT');
    child.kill('SIGINT');
    const { code, stdout } = await ended;

    const products = (await generatedProducts(database)).toLocaleString('en');
    expect({ code, stdout }).toEqual({
      code: 130,
      stdout: `Stopped: ${products} of 1,000,000 products are in, each with all of its tags.\n`,
    });
  });

  test('When it gets SIGTERM again and again while its transactions are held up, then it ends at once, and the exit code is 143', async () => {
    const database = newDatabase();
    const { child, ended } = await startLong(database);
    const { sequelize } = connect({ ...database, poolMax: 1 });
    await sequelize.query('LOCK TABLES product WRITE');

    while (child.exitCode === null) {
      child.kill('SIGTERM');
      await delay(200);
    }
    const { code, stdout } = await ended;
    await sequelize.close();

    expect({ code, stdout }).toEqual({ code: 143, stdout: '' });
  });

  test('When it is called without options, then it says how it is used, and the exit code is 1', async () => {
    expect(await start([], elsewhere).ended).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Usage: npm run db:generate -- --products N'),
    });
  });

  test('When an option is not valid, then it says so in one line, and the exit code is 1', async () => {
    expect(await start(['--products', 'many'], elsewhere).ended).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'db:generate: The command cannot start: --products must be a whole number from 1 to 5000000, got "many"\n',
    });
  });

  test('When the database is not on this machine, then it refuses, and names the way to force it', async () => {
    expect(await start(['--products', '5'], elsewhere).ended).toEqual({
      code: 1,
      stdout: '',
      stderr:
        'db:generate: This puts a made-up catalogue into shop on db.example.com, which is not this machine. If that is meant: npm run db:generate -- --products 5 --force\n',
    });
  });
});
