import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, afterEach, describe, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { request } from '@shop/testing/http.ts';
import { isolatedEnvironment, removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { descendantsOf } from '@shop/tools/process-list.ts';

const root = path.join(import.meta.dirname, '..');
const folders: string[] = [];
const running: Stack[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((stack) => stack.stop()));
});
afterAll(async () => {
  await Promise.all(folders.map(removeFolder));
});

async function newFolder(): Promise<string> {
  const folder = await temporaryFolder();
  folders.push(folder);
  return folder;
}

async function start(folder: string, settings: NodeJS.ProcessEnv = {}): Promise<Stack> {
  const stack = await startStack(folder, settings);
  running.push(stack);
  return stack;
}

/** Runs a program of this checkout to its end. */
async function runProgram(file: string, env: NodeJS.ProcessEnv, ...words: string[]) {
  const ended = await promisify(execFile)(process.execPath, [file, ...words], { cwd: root, env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    ({ code, stdout, stderr }) => ({ code: Number(code), stdout: String(stdout), stderr: String(stderr) }),
  );
  return { ...ended, lines: ended.stderr.trim().split('\n') };
}

const names = async (stack: Stack): Promise<string[]> =>
  (await request(`${stack.gateway}/api/tags`)).body.map((tag: { tag_name: string }) => tag.tag_name);

async function untilHealthy(stack: Stack): Promise<void> {
  while (
    !(await fetch(`${stack.gateway}/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  )
    await delay(50);
}

describe('npm start', () => {
  test('When it starts for the first time, then it seeds, and says what runs where and what to try', async () => {
    const stack = await start(await newFolder());

    expect(stack.output()).toContain(`gateway           ${stack.gateway}`);
    expect(stack.output()).toContain(`curl ${stack.gateway}/api/products/1`);
    expect(stack.output()).toContain('the seed data is in place');
    expect((await request(`${stack.gateway}/api/products/1`)).body.product_name).toBe('Plain T-Shirt');
  });

  test('When it is stopped and started again, then the data of the first run are there, and it does not seed again', async () => {
    const folder = await newFolder();
    const first = await start(folder);
    await request(`${first.gateway}/api/tags`, { method: 'POST', body: { tag_name: 'kept' } });
    await request(`${first.gateway}/api/tags/1`, { method: 'DELETE' });
    await first.stop();

    const second = await start(folder);

    expect(await names(second)).toContain('kept');
    expect(await names(second)).not.toContain('rock music');
    expect(second.output()).not.toContain('the seed data is in place');
  });

  test('When it gets SIGTERM, then it ends with exit code 0, everything it started ends, and no password is left', async () => {
    const folder = await newFolder();
    const stack = await start(folder);
    const started = await descendantsOf(stack.process.pid as number);

    const code = await stack.stop();

    const alive = started.filter(({ pid }) => {
      try {
        return process.kill(pid, 0);
      } catch {
        return false;
      }
    });
    expect(code).toBe(0);
    expect(started.map(({ command }) => command).join('\n')).toMatch(
      /gateway[\s\S]*server\.sock|server\.sock[\s\S]*gateway/,
    );
    expect(alive).toEqual([]);
    expect((await readdir(folder)).filter((name) => /\.(json|sql)$/.test(name))).toEqual([]);
  });

  test('When a service is killed, then it is started again and serves', async () => {
    const stack = await start(await newFolder());
    const services = await descendantsOf(stack.process.pid as number);
    const catalog = services.find(({ command }) => command.includes('catalog-service'));

    process.kill(catalog?.pid as number, 'SIGKILL');
    const meanwhile = await request(`${stack.gateway}/api/products/1`);
    await untilHealthy(stack);

    expect(meanwhile.status).toBe(503);
    expect((await request(`${stack.gateway}/api/products/1`)).status).toBe(200);
  });

  test('When it runs already, then a second start says so in one line and leaves the first alone', async () => {
    const folder = await newFolder();
    const stack = await start(folder);

    const sameFolder = await runProgram('scripts/start.ts', await isolatedEnvironment(folder));
    const samePort = await runProgram('scripts/start.ts', {
      ...(await isolatedEnvironment(await newFolder())),
      GATEWAY_PORT: String(stack.ports.gateway),
    });

    expect(sameFolder).toMatchObject({ code: 1, lines: [expect.stringContaining('running already')] });
    expect(samePort).toMatchObject({ code: 1, lines: [expect.stringContaining(`port ${stack.ports.gateway}`)] });
    expect((await request(`${stack.gateway}/api/products/1`)).status).toBe(200);
  });

  test('When it was killed, then the next start takes over the data that it left', async () => {
    const folder = await newFolder();
    const first = await startStack(folder);
    await request(`${first.gateway}/api/tags`, { method: 'POST', body: { tag_name: 'survivor' } });
    const orphans = await descendantsOf(first.process.pid as number);
    first.process.kill('SIGKILL');
    await once(first.process, 'exit');
    for (const { pid, command } of orphans) if (command.includes('server.ts')) process.kill(pid, 'SIGKILL');

    const second = await start(folder);

    expect(second.output()).toContain('an earlier run left behind');
    expect(await names(second)).toContain('survivor');
  });

  test.each([
    [{ GATEWAY_PORT: 'abc' }, 'gateway cannot start: GATEWAY_PORT must be a whole number from 0 to 65535, got "abc"'],
    [{ LOG_LEVEL: 'loud' }, 'LOG_LEVEL must be one of fatal, error'],
    [{ DB_HOST: '127.0.0.1', DB_PORT: '1', DB_USER: 'shop' }, '127.0.0.1:1'],
    [{ DB_HOST: '127.0.0.1' }, 'DB_USER is missing'],
  ])('When the settings are %j, then it ends with exit code 1 and says why in one line', async (settings, sentence) => {
    const { code, lines } = await runProgram('scripts/start.ts', {
      ...(await isolatedEnvironment(await newFolder())),
      ...settings,
    });

    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining(sentence)]);
  });
});

describe('database commands', () => {
  test('When nothing runs, then db:schema, db:seed and db:reset bring up the database, do their work and stop it', async () => {
    const env = await isolatedEnvironment(await newFolder());

    const schema = await runProgram('tools/src/cli/schema.ts', env);
    const seed = await runProgram('tools/src/cli/seed.ts', env);
    const reset = await runProgram('tools/src/cli/reset.ts', env);

    expect(schema).toMatchObject({ code: 0, stdout: expect.stringContaining('was migrated') });
    expect(seed).toMatchObject({ code: 0, stdout: expect.stringContaining('The seed data is in place') });
    expect(reset).toMatchObject({ code: 0, stdout: expect.stringContaining('emptied, created anew and seeded') });
  });

  test('When the stack runs, then db:seed restores the seed rows in its database', async () => {
    const folder = await newFolder();
    const stack = await start(folder);
    await request(`${stack.gateway}/api/tags/3`, { method: 'DELETE' });

    const { code } = await runProgram('tools/src/cli/seed.ts', await isolatedEnvironment(folder));

    expect(code).toBe(0);
    expect(await names(stack)).toContain('blue');
  });

  test('When the database is not on this machine, then db:reset refuses, and names the way to force it', async () => {
    const { code, lines } = await runProgram('tools/src/cli/reset.ts', {
      ...(await isolatedEnvironment(await newFolder())),
      DB_HOST: 'db.example.com',
      DB_USER: 'shop',
    });

    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('npm run db:reset -- --force')]);
  });

  test('When the database is away, then a command says so in one line and exits with 1', async () => {
    const { code, lines } = await runProgram('tools/src/cli/schema.ts', {
      ...(await isolatedEnvironment(await newFolder())),
      DB_HOST: '127.0.0.1',
      DB_PORT: '1',
      DB_USER: 'shop',
    });

    expect(code).toBe(1);
    expect(lines).toEqual([expect.stringContaining('127.0.0.1:1')]);
  });
});

describe('a service on its own', () => {
  /** Starts catalog-service and waits for its end. */
  async function runService(settings: NodeJS.ProcessEnv) {
    const { code, lines } = await runProgram('catalog-service/src/server.ts', {
      ...(await isolatedEnvironment(await newFolder())),
      ...settings,
    });
    return { code, lines };
  }

  test('When no database is set, then it ends with exit code 1 and names what is missing', async () => {
    expect(await runService({})).toEqual({
      code: 1,
      lines: [
        'catalog-service cannot start: DB_HOST is missing (the host of the MySQL server); DB_USER is missing (a MySQL user name)',
      ],
    });
  });

  /** Starts catalog-service, and ends it when it has said why it is not ready. */
  async function whyNotReady(database: TestDatabase) {
    const env: NodeJS.ProcessEnv = {
      ...(await isolatedEnvironment(await newFolder())),
      ...environmentOf(database),
      LOG_LEVEL: 'error',
    };
    const child = spawn(process.execPath, ['catalog-service/src/server.ts'], {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const exited = once(child, 'exit');
    const [line] = await once(child.stdout, 'data');
    const ready = await request(`http://127.0.0.1:${env.CATALOG_SERVICE_PORT}/health/ready`);
    const products = await request(`http://127.0.0.1:${env.CATALOG_SERVICE_PORT}/api/products`);
    child.kill('SIGTERM');
    return { said: String(line), ready: ready.status, products: products.body.code, exited: await exited };
  }

  test('When the database differs from the models, then it is not ready, names the column and says what mends it', async () => {
    const database = await createTestDatabase();
    await database.db.sequelize.query('ALTER TABLE product MODIFY stock BIGINT NOT NULL');

    const { said, ...seen } = await whyNotReady(database);
    await database.drop();

    expect(seen).toEqual({ ready: 503, products: 'unavailable', exited: [0, null] });
    expect(said).toContain('product.stock');
    expect(said).toContain('db:verify');
  });

  test('When a migration is missing and it may not migrate, then it is not ready, and says what to run', async () => {
    const database = await createTestDatabase();
    await database.db.sequelize.query("DELETE FROM schema_migration WHERE name LIKE '0001%'");

    const { said, ...seen } = await whyNotReady(database);
    await database.drop();

    expect(seen).toEqual({ ready: 503, products: 'unavailable', exited: [0, null] });
    expect(said).toContain('npm run db:schema');
  });

  test('When the database is away at its start, then it lives, is not ready, answers 503, and ends on SIGTERM', async () => {
    const env = await isolatedEnvironment(await newFolder());
    const url = `http://127.0.0.1:${env.CATALOG_SERVICE_PORT}`;
    const child = spawn(process.execPath, ['catalog-service/src/server.ts'], {
      cwd: root,
      env: { ...env, DB_HOST: '127.0.0.1', DB_PORT: '1', DB_USER: 'shop' },
      stdio: 'ignore',
    });
    const exited = once(child, 'exit');
    while (
      !(await fetch(`${url}/health/live`).then(
        ({ ok }) => ok,
        () => false,
      ))
    )
      await delay(50);

    const ready = await request(`${url}/health/ready`);
    const products = await request(`${url}/api/products`);
    child.kill('SIGTERM');

    expect(ready.status).toBe(503);
    expect(products.body.code).toBe('unavailable');
    expect(await exited).toEqual([0, null]);
  });
});

/** The settings by which a service reaches a test's database with its own account. */
function environmentOf({ owner, settingsOf }: TestDatabase): NodeJS.ProcessEnv {
  const { user, password } = settingsOf('catalog');
  return {
    DB_HOST: owner.host,
    DB_PORT: String(owner.port),
    DB_NAME: owner.database,
    CATALOG_DB_USER: user,
    CATALOG_DB_PASSWORD: password,
  };
}
