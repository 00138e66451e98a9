import { parseArgs } from 'node:util';
import { grantAccounts } from '@shop/db/accounts.ts';
import { connect } from '@shop/db/connection/connection.ts';
import { migrate } from '@shop/db/migrate.ts';
import { restoreIndexes } from '@shop/db/schema/repair.ts';
import { databaseSettingsShape } from '@shop/db/settings.ts';
import { differenceLine, verifySchema } from '@shop/db/verify.ts';
import { ConfigError } from '@shop/service-kit/config.ts';
import { checkBackup, restoreBackup } from '../backup/restore.ts';
import { createProgress } from '../progress.ts';
import type { ProvidedDatabase } from '../provision.ts';
import { runCommand, stopSignal } from './command.ts';

const usage = `Usage: npm run restore -- FILE [--database NAME] [--force]
  --database  into this database in place of the one of the settings; it is created where the account may
  --force     replaces what is in the database`;
const number = (value: number): string => value.toLocaleString('en');

/** @throws {ConfigError} */
function readOptions(): { file: string; database: string | undefined; force: boolean } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { database: { type: 'string' }, force: { type: 'boolean', default: false } },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) throw new Error(usage);
    const { success } = databaseSettingsShape.DB_NAME.safeParse(values.database);
    if (!success) throw new Error('--database must be a name of letters, digits, _, $ and -');
    return { file, database: values.database, force: values.force };
  } catch (error) {
    throw new ConfigError((error as Error).message);
  }
}

async function restore({ owner, accounts }: ProvidedDatabase): Promise<string> {
  const { file, database = owner.database, force } = readOptions();
  const target = { ...owner, database };
  const signal = stopSignal();
  const { head, end } = await checkBackup(file);
  console.log(`${file} is whole: ${number(end.rows)} rows of ${head.database}, taken ${head.taken} (${head.server}).`);
  const progress = createProgress({ total: Math.max(end.rows, 1), unit: 'rows' });
  const options = { force, signal, onRows: (rows: number) => progress.update(rows) };
  const isWhole = await restoreBackup(target, file, options).finally(progress.end);
  if (!isWhole) {
    process.exitCode = signal.reason;
    return `Stopped: the database ${database} is incomplete, and nothing takes it. Run the restore again.`;
  }
  const ran = await migrate(target);
  await restoreIndexes(target);
  if (accounts) await grantAccounts(target, accounts);
  const db = connect({ ...target, poolMax: 1 });
  const differences = await verifySchema(db).finally(() => db.sequelize.close());
  for (const difference of differences) console.log(`It differs from this release: ${differenceLine(difference)}`);
  const migrated = ran.length > 0 ? ` It was migrated: ${ran.join(', ')}.` : '';
  return `Restored into ${database}: ${number(end.rows)} rows; the schema is that of this release.${migrated}`;
}

await runCommand('restore', restore);
