// `npm run test:compose`: the end-to-end tests against `docker compose` and MySQL 9.7, the tests of the compose file itself,
// and the packages' database tests and the crash test on MySQL 9.7. It has a project, ports and a volume of its own, and removes them.
import { type SpawnOptions, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, select } from '@shop/db/connection/connection.ts';
import { freePort } from '@shop/tools/embedded.ts';
import { jest, jestWithRerun } from './jest.ts';

const root = path.join(import.meta.dirname, '..');
const project = `shop-test-${randomBytes(3).toString('hex')}`;
const [gateway, catalog, tagging, mysql] = [await freePort(), await freePort(), await freePort(), await freePort()];

/** The file whose tests check promised times. */
const timed = 'e2e/compose/resilience';

/** The environment that every command here has: a developer's `.env` is not to change what is tested. */
const env = {
  ...process.env,
  COMPOSE_PROJECT_NAME: project,
  COMPOSE_DISABLE_ENV_FILE: '1',
  GATEWAY_PORT: String(gateway),
  CATALOG_SERVICE_PORT: String(catalog),
  TAGGING_SERVICE_PORT: String(tagging),
};

/** Runs a command with this one's terminal and resolves to its exit code. */
async function run(command: string, words: string[], options: SpawnOptions = {}): Promise<number> {
  const child = spawn(command, words, { cwd: root, env, stdio: 'inherit', ...options });
  const [code] = await once(child, 'exit').catch(() => [127]);
  return code ?? 1;
}

const compose = (...words: string[]) => run('docker', ['compose', ...words]);

async function orStop(what: string, code: Promise<number>): Promise<void> {
  if ((await code) !== 0) throw new Error(what);
}

/** A bare MySQL 9.7 with nothing in it, for the packages' tests. */
async function withMysql(work: (settings: string) => Promise<void>): Promise<void> {
  const name = `${project}-mysql`;
  const password = randomBytes(12).toString('hex');
  const options = [
    '--detach',
    '--rm',
    '--name',
    name,
    '--publish',
    `127.0.0.1:${mysql}:3306`,
    '--tmpfs',
    '/var/lib/mysql',
  ];
  await orStop(
    'MySQL 9.7 could not be started',
    run('docker', ['run', ...options, '--env', `MYSQL_ROOT_PASSWORD=${password}`, 'mysql:9.7'], { stdio: 'ignore' }),
  );
  try {
    const settings = { host: '127.0.0.1', port: mysql, database: '', user: 'root', password, poolMax: 10 };
    const db = connect(settings);
    for (let tries = 0; ; tries++) {
      const answers = await select(db, 'SELECT 1').then(
        () => true,
        () => false,
      );
      if (answers) break;
      if (tries === 240) throw new Error('MySQL 9.7 did not answer within two minutes');
      await delay(500);
    }
    await db.sequelize.close();
    await work(JSON.stringify(settings));
  } finally {
    await run('docker', ['stop', name], { stdio: 'ignore' });
  }
}

async function main(): Promise<void> {
  await orStop('there is no Docker engine here: "docker info" failed', run('docker', ['info'], { stdio: 'ignore' }));
  console.log(`\nThe packages' database tests on MySQL 9.7`);
  await withMysql(async (settings) => {
    const onMysql = { ...env, TEST_DATABASE: settings, STACK_DATABASE: settings };
    const folders = [
      'db/src',
      'catalogue/src',
      'catalog-service/src',
      'tagging-service/src',
      'tools/src',
      'scripts/crash',
    ];
    const packages = jest(['--selectProjects', 'packages', '--', ...folders], onMysql);
    await orStop('a package fails on MySQL 9.7', packages);
    const faults = jestWithRerun(['--selectProjects', 'faults'], ['database-faults'], onMysql);
    await orStop('a test of promised times fails on MySQL 9.7', faults);
  });
  try {
    console.log(`\ndocker compose up (project ${project}, gateway on port ${gateway})`);
    await orStop('docker compose build failed', compose('--profile', 'tools', 'build', '--quiet'));
    if ((await compose('up', '--wait', '--detach')) !== 0) {
      await compose('logs', '--tail', '50');
      throw new Error('docker compose up failed; the lines above are the logs');
    }
    const onCompose = {
      ...env,
      E2E_BASE_URL: `http://127.0.0.1:${gateway}`,
      E2E_CATALOG_URL: `http://127.0.0.1:${catalog}`,
      E2E_TAGGING_URL: `http://127.0.0.1:${tagging}`,
    };
    const untimed = ['--selectProjects', 'e2e', 'compose', '--runInBand', '--testPathIgnorePatterns', timed];
    const codes = [
      await jest(untimed, onCompose),
      await jestWithRerun(['--selectProjects', 'compose'], [timed], onCompose),
    ];
    if (codes.some((code) => code !== 0)) {
      await compose('logs', '--tail', '50');
      throw new Error('a test fails against docker compose');
    }
  } finally {
    await compose('--profile', 'tools', 'down', '--volumes', '--remove-orphans');
  }
}

process.on('SIGINT', () => {}).on('SIGTERM', () => {});
try {
  await main();
  console.log('test:compose passed.');
  process.exit(0);
} catch (error) {
  console.error(`test:compose: ${(error as Error).message}`);
  process.exit(1);
}
