import { execFile } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

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

/** The path of the first of these programs that this machine has. */
export async function findProgram(names: string[]): Promise<string | undefined> {
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

/** Whether this is a system that {@link installPackage} knows: Debian, Ubuntu and their like. */
export const hasPackages = (): boolean => existsSync('/etc/debian_version');

/**
 * Installs a package of the system, where root's rights are at hand.
 * @param begin is called before it does
 * @returns false where they are not
 * @throws {Error} with the last line of what the package manager says
 */
export async function installPackage(name: string, begin: () => void): Promise<boolean> {
  const root = process.getuid?.() === 0;
  const sudo =
    !root &&
    (await run('sudo', ['-n', 'true']).then(
      () => true,
      () => false,
    ));
  if (!root && !sudo) return false;
  begin();
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
    await apt('install', '--yes', '--no-install-recommends', name);
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr ?? error)
      .trim()
      .split('\n');
    throw new Error(`Installing ${name} failed: ${lines.at(-1)}`, { cause: error });
  }
  return true;
}
