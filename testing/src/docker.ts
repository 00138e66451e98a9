import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** The project's folder, where `docker-compose.yml` is. */
export const root = path.join(import.meta.dirname, '../..');

/** Runs commands; resolves to what they print, without the white space around it. */
export interface Docker {
  docker(...words: string[]): Promise<string>;
  compose(...words: string[]): Promise<string>;
}

/** The commands of docker with an environment: it says which project of compose they are about, and of which files. */
export function dockerOf(env: NodeJS.ProcessEnv = process.env): Docker {
  const docker = async (...words: string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)('docker', words, { cwd: root, env, maxBuffer: 16 * 2 ** 20 });
    return stdout.trim();
  };
  return { docker, compose: (...words) => docker('compose', ...words) };
}
