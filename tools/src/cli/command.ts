import { isUnavailable, SchemaError } from '@shop/db/errors.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { type ProvidedDatabase, provideDatabase } from '../provision.ts';
import { NoDatabaseError } from '../server-program.ts';

/**
 * Runs one database command: finds the database, does the work, prints one line. When it fails it says why in one line
 * and the exit code is 1; a database that it started is stopped either way.
 * @param say prints a line
 */
export async function runCommand(
  name: string,
  work: (database: ProvidedDatabase) => Promise<string>,
  say: (line: string) => void = console.log,
): Promise<void> {
  try {
    const database = await provideDatabase(loadEnvironmentFile(), { say });
    try {
      say(await work(database));
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const { host, port, user } = database.owner;
      throw new SchemaError(`The database on ${host}:${port} did not let "${user}" in: ${(error as Error).message}`);
    } finally {
      await database.release();
    }
  } catch (error) {
    reportFailure(name, error);
  }
}

/** Says in one line why a command failed (a fault of the program with its stack), and makes the exit code 1. */
export function reportFailure(name: string, error: unknown): void {
  const { name: kind, message, stack } = error as Error;
  const expected = error instanceof SchemaError || kind === 'ConfigError';
  console.error(`${name}: ${expected ? message : stack}`);
  process.exitCode = 1;
}

const local = new Set(['localhost', '127.0.0.1', '::1']);

/**
 * Refuses a database that is not on this machine.
 * @param does what would be done, up to the name of the database
 * @param forced the words after `npm run` that do it all the same
 * @throws {NoDatabaseError}
 */
export function refuseElsewhere({ host, database }: DatabaseSettings, does: string, forced: string): void {
  if (local.has(host)) return;
  throw new NoDatabaseError(
    `${does} ${database} on ${host}, which is not this machine. If that is meant: npm run ${forced}`,
  );
}

/** Milliseconds in which a signal is the first one come twice: npm hands on a Ctrl-C that the terminal has sent to both. */
const echo = 500;

/**
 * Aborted by the first Ctrl-C or SIGTERM, its reason being the exit code that is due then; the second one ends the
 * process at once.
 */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  let first: number | undefined;
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > echo) process.exit(code);
      controller.abort(code);
    });
  }
  return controller.signal;
}
