import { QueryTypes } from 'sequelize';
import { type Database, select } from '../connection/connection.ts';
import { SchemaError, serverMessage } from '../errors.ts';
import { migrationNames, withSchemaLock } from '../migrate.ts';
import type { DatabaseSettings } from '../settings.ts';
import { type Difference, type RepairStage, schemaDifferences } from './differences.ts';
import { quoted } from './table-definition.ts';

/** What became of one difference. */
export interface Repair {
  difference: Difference;
  /** Why it is still there; absent: it is not. */
  failure?: string;
}

/** Some of the rows that are in the way, for people; empty where none is, or it cannot be told. */
async function rowsInTheWay(db: Database, { inTheWay }: Difference): Promise<string> {
  if (!inTheWay) return '';
  const rows = await select<Record<string, unknown>>(db, inTheWay).catch(() => []);
  const keys = rows.slice(0, 5).map((row) =>
    Object.entries(row)
      .map(([name, value]) => `${name} ${value}`)
      .join(', '),
  );
  return keys.length === 0 ? '' : ` In the way: ${keys.join('; ')}${rows.length > keys.length ? '; …' : ''}.`;
}

async function repairOne(db: Database, difference: Difference): Promise<Repair> {
  const { needsEmpty } = difference;
  if (needsEmpty !== undefined && (await select(db, `SELECT 1 FROM ${quoted(needsEmpty)} LIMIT 1`)).length > 0) {
    return { difference, failure: `the values of the rows of ${needsEmpty} are lost: restore a backup` };
  }
  try {
    for (const statement of difference.statements) await db.sequelize.query(statement, { type: QueryTypes.RAW });
    return { difference };
  } catch (error) {
    return { difference, failure: `${serverMessage(error)}.${await rowsInTheWay(db, difference)}` };
  }
}

/**
 * Mends the differences of some stages, one after the other, each by its own statements. A run that is cut off leaves what it has
 * mended; the next one goes on.
 * @param begin is told of each before it is mended
 */
export async function* repairSchema(
  db: Database,
  stages: RepairStage[],
  begin: (difference: Difference) => void = () => {},
): AsyncGenerator<Repair> {
  const differences = (await schemaDifferences(db)).filter(({ stage }) => stages.includes(stage));
  if (differences.length === 0) return;
  for (const stage of stages) {
    for (const difference of differences.filter((one) => one.stage === stage)) {
      begin(difference);
      yield await repairOne(db, difference);
    }
  }
}

/**
 * Makes the indexes anew that a database has lost: no row can be in the way of them, and without some of them requests fail. A
 * database that a newer release has migrated is left alone: it may have dropped them.
 * @param begin is told of each before it is made
 * @returns which they were
 * @throws {SchemaError} when one cannot be made
 */
export const restoreIndexes = (owner: DatabaseSettings, begin: (what: string) => void = () => {}): Promise<string[]> =>
  withSchemaLock(owner, async (db) => {
    const known = new Set(await migrationNames());
    const executed = await select<{ name: string }>(db, 'SELECT name FROM schema_migration');
    const restored: string[] = [];
    if (executed.some(({ name }) => !known.has(name))) return restored;
    for await (const { difference, failure } of repairSchema(db, ['index'], ({ what }) => begin(what))) {
      if (failure !== undefined) throw new SchemaError(`${difference.what}, and could not be made anew: ${failure}`);
      restored.push(difference.what);
    }
    return restored;
  });
