import { parseArgs } from 'node:util';
import { ConfigError } from '@shop/service-kit/config.ts';
import { connect } from '../connection.ts';
import { hasErrno, SchemaError } from '../errors.ts';
import { checkIntegrity, type Finding } from '../integrity.ts';
import { verifySchema } from '../verify.ts';
import { runCommand } from './command.ts';

const line = ({ what, remedy, found, examples, left }: Finding, repair: boolean): string => {
  const which = found === 0 ? '' : `: ${examples.join(', ')}${found > examples.length ? ', …' : ''}`;
  const done = found === 0 || !repair ? '' : left === 0 ? `; ${remedy}` : `; ${left} of them are still so`;
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

await runCommand('db:verify', async ({ owner }) => {
  const { repair } = readOptions();
  const db = connect({ ...owner, poolMax: 1 });
  try {
    await verifySchema(db).catch((error) => {
      if (!hasErrno(error, 'unknownDatabase')) throw error;
      throw new SchemaError(`There is no database ${owner.database} yet. Run "npm run db:schema".`);
    });
    let [checks, found, left] = [0, 0, 0];
    for await (const finding of checkIntegrity(db, { repair })) {
      console.log(line(finding, repair));
      checks += 1;
      found += finding.found;
      left += finding.left;
    }
    if (left > 0) process.exitCode = 1;
    if (found === 0) return `The data of ${owner.database} keep all ${checks} rules.`;
    if (left === 0) return `The data of ${owner.database} were repaired, and keep all ${checks} rules now.`;
    return `The data of ${owner.database} break rules in ${left} places.${repair ? '' : ' To repair them: npm run db:verify -- --repair'}`;
  } finally {
    await db.sequelize.close();
  }
});
