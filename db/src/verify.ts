import type { Database } from './connection/connection.ts';
import { hasErrno, SchemaError } from './errors.ts';
import { pendingMigrations } from './migrate.ts';
import { type Difference, schemaDifferences } from './schema/differences.ts';
import { verifySearch } from './search/server.ts';

/** A difference and what mends it, in one line. */
export const differenceLine = ({ what, statements }: Difference): string =>
  statements.length === 0 ? what : `${what} (${statements.map((sql) => `${sql.replaceAll(/\s+/g, ' ')};`).join(' ')})`;

/** @throws {SchemaError} naming the first migration that has not run */
export async function refusePendingMigrations(db: Database): Promise<void> {
  const pending = await pendingMigrations(db).catch((error) => {
    if (hasErrno(error, 'tableAccessDenied')) return ['all'];
    throw error;
  });
  if (pending.length === 0) return;
  throw new SchemaError(
    `The database is older than this release: migration ${pending[0]} has not run. Run "npm run db:schema" (or "docker compose run --rm migrate").`,
  );
}

/**
 * Compares a database with what this release expects: its migrations, and all that these make (`db/schema.sql`), and what searches
 * need with its server. An account of a service compares what it may see.
 * @returns the differences that it can live with
 * @throws {SchemaError} naming the first migration that is missing, every difference that it cannot live with, or the setting that
 * is wrong
 */
export async function verifySchema(db: Database): Promise<Difference[]> {
  await refusePendingMigrations(db);
  const differences = await schemaDifferences(db);
  const blocking = differences.filter((difference) => difference.blocking);
  if (blocking.length === 0) {
    await verifySearch(db);
    return differences;
  }
  const differs = 'The database differs from this release:';
  throw new SchemaError(
    `${differs} ${blocking.map(differenceLine).join('; ')}. To mend it: "npm run db:verify -- --repair" (or "docker compose run --rm repair").`,
    `${differs} ${blocking.map(({ what }) => what).join('; ')}.`,
  );
}
