import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import type { DatabaseSettings } from '@shop/db/settings.ts';

/** The environment by which a command finds a database. */
export const environmentOf = ({ host, port, database, user, password }: DatabaseSettings): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  ENV_FILE: '',
  DB_HOST: host,
  DB_PORT: String(port),
  DB_NAME: database,
  DB_USER: user,
  DB_PASSWORD: password,
});

/** Starts a command of this folder; `ended` is its exit code and what it has said; `bytes` are those of its standard output. */
export function startCommand(name: string, words: string[], owner: DatabaseSettings) {
  const child = spawn(process.execPath, [path.join(import.meta.dirname, `${name}.ts`), ...words], {
    env: environmentOf(owner),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.all([once(child, 'close'), buffer(child.stdout), text(child.stderr)]).then(
    ([[code], bytes, stderr]) => ({ code: code as number, stdout: bytes.toString(), bytes, stderr }),
  );
  return { child, ended };
}
