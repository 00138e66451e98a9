import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { isUnavailable, SchemaError } from '../errors.ts';
import { type ProvidedDatabase, provideDatabase } from '../provision.ts';

/**
 * Runs one database command: finds the database, does the work, prints one line. When it fails it says why in one line
 * and the exit code is 1; a database that it started is stopped either way.
 */
export async function runCommand(name: string, work: (database: ProvidedDatabase) => Promise<string>): Promise<void> {
  try {
    const database = await provideDatabase(loadEnvironmentFile(), { say: (line) => console.log(line) });
    try {
      console.log(await work(database));
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      const { host, port, user } = database.owner;
      throw new SchemaError(`The database on ${host}:${port} did not let "${user}" in: ${(error as Error).message}`);
    } finally {
      await database.release();
    }
  } catch (error) {
    const { name: kind, message } = error as Error;
    const expected = error instanceof SchemaError || kind === 'ConfigError';
    console.error(`${name}: ${expected ? message : `${(error as Error).stack}`}`);
    process.exitCode = 1;
  }
}
