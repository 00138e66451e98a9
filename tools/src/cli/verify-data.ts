import { parseArgs } from 'node:util';
import { connect, type Database } from '@shop/db/connection/connection.ts';
import { hasErrno, SchemaError } from '@shop/db/errors.ts';
import { withSchemaLock } from '@shop/db/migrate.ts';
import { type Difference, type RepairStage, schemaDifferences } from '@shop/db/schema/differences.ts';
import { repairSchema } from '@shop/db/schema/repair.ts';
import { refusePendingMigrations } from '@shop/db/verify.ts';
import { ConfigError } from '@shop/service-kit/config.ts';
import { checkIntegrity, type Finding } from '../integrity.ts';
import { runCommand } from './command.ts';

const line = ({ what, remedy, found, examples, left }: Finding, repair: boolean): string => {
  const which = found === 0 ? '' : `: ${examples.join(', ')}${found > examples.length ? ', …' : ''}`;
  const done = found === 0 || !repair ? '' : left === 0 ? `; ${remedy}` : `; ${left} of them remain`;
  return `${String(found).padStart(8)}  ${what}${which}${done}`;
};

/** @throws {ConfigError} for a word that is no option */
function readOptions(): { repair: boolean } {
  try {
    return parseArgs({ options: { repair: { type: 'boolean', default: false } } }).values;
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

/** What was looked for, and how much of it was found and is left. */
interface Tally {
  found: number;
  left: number;
}

/** Says where the database differs from this release, and what mends it. */
function printDifference({ what, statements }: Difference): void {
  console.log(`          ${what}`);
  for (const sql of statements) console.log(`            ${sql.replaceAll(/\s+/g, ' ')};`);
}

/** Mends what some stages hold, and says so. @returns how much was mended */
async function repairStages(db: Database, stages: RepairStage[]): Promise<number> {
  let [mended, began] = [0, 0];
  const begin = (difference: Difference) => {
    began = performance.now();
    printDifference(difference);
  };
  for await (const { failure } of repairSchema(db, stages, begin)) {
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`            ${failure === undefined ? `done in ${seconds} s` : `not done: ${failure}`}`);
    if (failure === undefined) mended += 1;
  }
  return mended;
}

/** Whether the data can be checked: a question about a column needs the column. */
async function checkStructure(db: Database, repair: boolean): Promise<Tally & { isSound: boolean }> {
  const mended = repair ? await repairStages(db, ['structure', 'index']) : 0;
  const differences = await schemaDifferences(db);
  const found = differences.length + mended;
  console.log(`${String(found).padStart(8)}  differences from the schema of this release`);
  if (!repair) for (const difference of differences) printDifference(difference);
  return { found, left: differences.length, isSound: !differences.some(({ stage }) => stage === 'structure') };
}

async function checkData(db: Database, repair: boolean): Promise<Tally & { rules: number }> {
  const tally = { found: 0, left: 0, rules: 0 };
  for await (const finding of checkIntegrity(db, { repair })) {
    console.log(line(finding, repair));
    tally.rules += 1;
    tally.found += finding.found;
    tally.left += finding.left;
  }
  return tally;
}

/** Checks a database, and says what it came to. */
async function verify(db: Database, name: string, repair: boolean): Promise<string> {
  await refusePendingMigrations(db);
  const schema = await checkStructure(db, repair);
  if (!schema.isSound) {
    process.exitCode = 1;
    return `The tables of ${name} are not as this release needs them, so its data were not checked.${repair ? '' : hint}`;
  }
  const data = await checkData(db, repair);
  if (repair) schema.left -= await repairStages(db, ['rule']);
  const left = schema.left + data.left;
  if (left > 0) {
    process.exitCode = 1;
    return `The database ${name} violates rules in ${left} places.${repair ? '' : hint}`;
  }
  return schema.found + data.found === 0
    ? `The data of ${name} keep all ${data.rules} rules.`
    : `The database ${name} was repaired, and its data keep all ${data.rules} rules now.`;
}

const hint = ' To repair them: npm run db:verify -- --repair';

await runCommand('db:verify', async ({ owner }) => {
  const { repair } = readOptions();
  try {
    if (repair) return await withSchemaLock(owner, (db) => verify(db, owner.database, repair));
    const db = connect({ ...owner, poolMax: 1 });
    return await verify(db, owner.database, repair).finally(() => db.sequelize.close());
  } catch (error) {
    if (!hasErrno(error, 'unknownDatabase')) throw error;
    throw new SchemaError(`There is no database ${owner.database} yet. Run "npm run db:schema".`);
  }
});
