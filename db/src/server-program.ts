import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A reason, in one line, why there is no database to run on. */
export class NoDatabaseError extends Error {
  override name = 'ConfigError';
}

/** A MySQL or MariaDB server program on this machine. */
export interface ServerProgram {
  file: string;
  kind: 'mysql' | 'mariadb';
}

/** Where packages put server programs, beside the PATH: a plain user's PATH often lacks the sbin folders. */
const programFolders = [
  '/usr/sbin',
  '/usr/local/sbin',
  '/usr/libexec',
  '/usr/local/mysql/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mysql/bin',
  '/opt/homebrew/opt/mariadb/bin',
];

async function findFile(names: string[]): Promise<string | undefined> {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...programFolders];
  for (const name of names) {
    for (const folder of folders) {
      const file = path.join(folder || '.', name);
      const usable = await access(file, constants.X_OK).then(
        () => true,
        () => false,
      );
      if (usable) return file;
    }
  }
  return undefined;
}

async function findServer(): Promise<ServerProgram | undefined> {
  const file = await findFile(['mysqld', 'mariadbd']);
  if (!file) return undefined;
  const { stdout } = await run(file, ['--no-defaults', '--version']);
  return { file, kind: /mariadb/i.test(stdout) ? 'mariadb' : 'mysql' };
}

/**
 * Finds a server program; on Debian and Ubuntu, where root's rights are at hand, installs one (binaries only: no
 * daemon starts).
 * @throws {NoDatabaseError} with what helps on this system
 */
export async function ensureServer(say: (line: string) => void): Promise<ServerProgram> {
  const found = await findServer();
  if (found) return found;
  const help = 'No MySQL or MariaDB server was found on this machine.';
  const alternative = 'or set DB_HOST, DB_NAME, DB_USER and DB_PASSWORD in .env to use one that runs elsewhere';
  if (process.platform === 'darwin') throw new NoDatabaseError(`${help} Run "brew install mysql", ${alternative}.`);
  if (!existsSync('/etc/debian_version')) {
    throw new NoDatabaseError(`${help} Install mysqld or mariadbd with your package manager, ${alternative}.`);
  }
  const root = process.getuid?.() === 0;
  const sudo =
    !root &&
    (await run('sudo', ['-n', 'true']).then(
      () => true,
      () => false,
    ));
  if (!root && !sudo) {
    throw new NoDatabaseError(`${help} Run "sudo apt-get install mariadb-server-core", ${alternative}.`);
  }
  say('No MySQL or MariaDB server was found: installing the package mariadb-server-core (programs only, no daemon).');
  const apt = async (...words: string[]) => {
    const command = [
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-qq',
      '-o',
      'DPkg::Lock::Timeout=120',
      ...words,
    ];
    const [file, ...rest] = root ? command : ['sudo', '-n', ...command];
    await run(file as string, rest, { maxBuffer: 64 * 2 ** 20 });
  };
  try {
    await apt('update');
    await apt('install', '--yes', '--no-install-recommends', 'mariadb-server-core');
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n');
    throw new NoDatabaseError(`Installing mariadb-server-core failed: ${lines.at(-1)}`);
  }
  const installed = await findServer();
  if (!installed) throw new NoDatabaseError(`${help} Installing mariadb-server-core did not bring one.`);
  return installed;
}
