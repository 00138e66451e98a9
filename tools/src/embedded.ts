import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir, userInfo } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { connect, select } from '@shop/db/connection/connection.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { listProcesses } from './process-list.ts';
import { memoryOptions } from './server-memory.ts';
import { ensureServer, NoDatabaseError, type ServerProgram } from './server-program.ts';

const run = promisify(execFile);

/** A private database server that runs as a child of this process's machine, not of its terminal. */
export interface EmbeddedDatabase {
  owner: DatabaseSettings;
  /** The server program, such as `mariadb (/usr/sbin/mariadbd)`. */
  program: string;
  pid: number;
  /** Resolves when the server has ended, to how: `SIGKILL`, or `exit code 1`. */
  ended: Promise<string>;
  /** Shuts the server down in order and waits until it has. */
  stop(): Promise<void>;
}

/** A TCP port of this machine that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A server started as root must be told that this is meant. */
const asUser = (): string[] => (process.getuid?.() === 0 ? ['--user=root'] : []);

/**
 * Makes an empty data directory, aside first, so that a start that is cut off leaves nothing half made.
 * @param options what any server program is started with
 */
async function initialise(program: ServerProgram, data: string, options: string[]): Promise<void> {
  const aside = `${data}.new`;
  await rm(aside, { recursive: true, force: true });
  await mkdir(aside, { recursive: true, mode: 0o700 });
  if (program.kind === 'mysql') {
    await run(program.file, ['--no-defaults', '--initialize-insecure', `--datadir=${aside}`, ...options]);
  } else {
    await bootstrapMariaDb(program, aside, options);
  }
  await rename(aside, data);
}

/**
 * Creates MariaDB's system tables from the SQL that comes with the server: what mariadb-install-db does. That script needs
 * a program of the client package, which the server's own package can do without.
 */
async function bootstrapMariaDb(program: ServerProgram, data: string, given: string[]): Promise<void> {
  const { stdout } = await run(program.file, ['--no-defaults', '--verbose', '--help'], { maxBuffer: 64 * 2 ** 20 });
  const charsets = /^character-sets-dir\s+(\S+)/m.exec(stdout)?.[1];
  if (!charsets) throw new NoDatabaseError(`${program.file} does not say where its files are.`);
  const share = path.dirname(path.resolve(charsets));
  const files = await readdir(share);
  const sql = ['system_tables', 'performance_tables', 'system_tables_data', 'add_gis_sp_bootstrap'].map((part) => {
    const file = files.find((name) => [`mysql_${part}.sql`, `mariadb_${part}.sql`, `maria_${part}.sql`].includes(name));
    if (!file) throw new NoDatabaseError(`${program.file} came without ${part}.sql in ${share}.`);
    return readFile(path.join(share, file), 'utf8');
  });
  const parts = [
    'CREATE DATABASE IF NOT EXISTS mysql;\nUSE mysql;\n',
    // root is who runs this, over the socket, and nobody else.
    `SET @auth_root_socket = '${userInfo().username.replaceAll(/[\\']/g, '')}', @skip_auth_anonymous = 1;\n`,
    ...(await Promise.all(sql)),
  ];
  const options = [
    '--no-defaults',
    '--bootstrap',
    `--datadir=${data}`,
    '--log-warnings=0',
    '--enforce-storage-engine=',
  ];
  const child = spawn(program.file, [...options, '--max-allowed-packet=8M', '--net-buffer-length=16K', ...given], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  child.stdin.end(parts.join('\n'));
  const [code] = await once(child, 'close');
  if (code !== 0) {
    const fault =
      errors
        .trim()
        .split('\n')
        .find((line) => /error/i.test(line)) ?? errors.trim();
    throw new NoDatabaseError(`A new database could not be created in ${data}: ${fault}`);
  }
}

export interface EmbeddedOptions {
  /** Holds everything that the server writes; created where absent. */
  folder: string;
  database: string;
  poolMax?: number;
  /** False: commits need not survive a power cut. For tests. */
  durable?: boolean;
  /** Files (PEM) of a certificate and its key, with which the server offers TLS. For tests. */
  tls?: { cert: string; key: string };
  say?: (line: string) => void;
  /** The address of a server that this one is to replace: it gets the same port, user and password. */
  replaces?: DatabaseSettings;
}

/** Milliseconds that a server of an earlier run may take to shut down; then it is killed, which its data survive. */
const shutdownTimeout = 60_000;

/**
 * Ends the server that an earlier run has left behind on the same data, because it was killed itself.
 * @throws {NoDatabaseError} when that run is alive: its server is none that was left behind
 */
async function stopLeftover(data: string, say: (line: string) => void): Promise<void> {
  const pid = Number(await readFile(path.join(data, 'server.pid'), 'utf8').catch(() => ''));
  if (!pid) return;
  const find = async () => {
    const all = await listProcesses();
    // A number can be another process's by now.
    const server = all.find((entry) => entry.pid === pid && entry.command.includes(`--datadir=${data} `));
    return server && { ...server, starter: all.find((entry) => entry.pid === server.parent && entry.pid !== 1) };
  };
  const leftover = await find();
  if (!leftover) return;
  if (/\bnode\b/.test(leftover.starter?.command ?? '')) {
    throw new NoDatabaseError(`The database in ${data} is in use by process ${leftover.parent}; stop that one first.`);
  }
  say('Stopping the database server that an earlier run left behind.');
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; await find(); waited += 100) {
    if (waited === shutdownTimeout) process.kill(pid, 'SIGKILL');
    await delay(100);
  }
}

/**
 * Starts a private server: own data directory, own socket, a free port of the loopback interface, and an owner account
 * whose password is new at every start and is written nowhere but into `connection.json` (readable by this user only)
 * while it runs. The server is in a session of its own, so that Ctrl-C reaches the stack first and the database last.
 * @throws {NoDatabaseError}
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const { folder, durable = true, tls, replaces, say = () => {} } = options;
  const program = await ensureServer(say);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const data = path.join(folder, program.kind);
  const temporary = path.join(path.resolve(folder), 'tmp');
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  // Its own: a server that starts deletes what it takes for leftovers in its folder, of whichever server they are.
  const common = [`--tmpdir=${temporary}`, ...asUser()];
  if (!existsSync(path.join(data, 'mysql'))) {
    say(`Creating a new database in ${path.relative(process.cwd(), data) || data}.`);
    await initialise(program, data, common);
  }
  await stopLeftover(data, say);

  const port = replaces?.port ?? (await freePort());
  const password = replaces?.password ?? randomBytes(18).toString('base64url');
  const init = path.join(folder, 'init.sql');
  const user = 'shop_owner';
  await writeFile(
    init,
    [
      `CREATE USER IF NOT EXISTS '${user}'@'%' IDENTIFIED BY '${password}';`,
      `ALTER USER '${user}'@'%' IDENTIFIED BY '${password}';`,
      `GRANT ALL ON *.* TO '${user}'@'%' WITH GRANT OPTION;`,
      ...(program.kind === 'mysql' ? [`ALTER USER 'root'@'localhost' IDENTIFIED BY '${password}';`] : []),
      '',
    ].join('\n'),
    { mode: 0o600 },
  );
  const logFile = path.join(folder, `${program.kind}.log`);
  const log = await open(logFile, 'a');
  const child = spawn(
    program.file,
    [
      '--no-defaults',
      `--datadir=${data}`,
      // Relative to the data directory: a socket's path may have 107 characters at most.
      '--socket=server.sock',
      '--pid-file=server.pid',
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-name-resolve',
      `--init-file=${init}`,
      '--character-set-server=utf8mb4',
      '--collation-server=utf8mb4_unicode_520_ci',
      '--innodb-buffer-pool-size=512M',
      ...memoryOptions(program.kind),
      '--max-connections=300',
      '--skip-log-bin',
      ...(program.kind === 'mysql' ? ['--mysqlx=OFF'] : []),
      ...(tls ? [`--ssl-cert=${tls.cert}`, `--ssl-key=${tls.key}`] : []),
      ...(durable ? [] : ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=0']),
      ...common,
    ],
    { stdio: ['ignore', log.fd, log.fd], detached: true },
  );
  await log.close();
  const ended = new Promise<string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`)),
  );
  const owner: DatabaseSettings = {
    host: '127.0.0.1',
    port,
    database: options.database,
    user,
    password,
    poolMax: options.poolMax ?? 10,
  };
  try {
    await untilAnswers(child, owner, logFile);
  } catch (error) {
    child.kill('SIGTERM');
    throw error;
  } finally {
    await rm(init, { force: true });
  }
  return {
    owner,
    program: `${program.kind} (${program.file.replace(homedir(), '~')})`,
    pid: child.pid as number,
    ended,
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function untilAnswers(child: ChildProcess, owner: DatabaseSettings, logFile: string): Promise<void> {
  const db = connect({ ...owner, database: '', poolMax: 1 });
  try {
    for (let waited = 0; waited < 60_000; waited += 100) {
      if (child.exitCode !== null || child.signalCode !== null) {
        const lines = (await readFile(logFile, 'utf8')).trim().split('\n');
        const fault = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1);
        throw new NoDatabaseError(`The database server did not start: ${fault} (all of it is in ${logFile})`);
      }
      const answers = await select(db, 'SELECT 1').then(
        () => true,
        () => false,
      );
      if (answers) return;
      await delay(100);
    }
    throw new NoDatabaseError(`The database server did not answer within a minute (its log is ${logFile}).`);
  } finally {
    await db.sequelize.close();
  }
}
