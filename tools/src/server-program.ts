import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { findProgram, hasPackages, installPackage } from './system-package.ts';

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

async function findServer(): Promise<ServerProgram | undefined> {
  const file = await findProgram(['mysqld', 'mariadbd']);
  if (!file) return undefined;
  const { stdout } = await run(file, ['--no-defaults', '--version']);
  return { file, kind: /mariadb/i.test(stdout) ? 'mariadb' : 'mysql' };
}

const packageName = 'mariadb-server-core';

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
  if (!hasPackages()) {
    throw new NoDatabaseError(`${help} Install mysqld or mariadbd with your package manager, ${alternative}.`);
  }
  const installed = await installPackage(packageName, () =>
    say(`No MySQL or MariaDB server was found: installing the package ${packageName} (programs only, no daemon).`),
  ).catch((error: Error) => {
    throw new NoDatabaseError(error.message);
  });
  if (!installed) throw new NoDatabaseError(`${help} Run "sudo apt-get install ${packageName}", ${alternative}.`);
  const server = await findServer();
  if (!server) throw new NoDatabaseError(`${help} Installing ${packageName} did not bring one.`);
  return server;
}
