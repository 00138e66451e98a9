import { grantAccounts } from '@shop/db/accounts.ts';
import { connect } from '@shop/db/connection/connection.ts';
import { migrate } from '@shop/db/migrate.ts';
import { schemaDifferences } from '@shop/db/schema/differences.ts';
import { restoreIndexes } from '@shop/db/schema/repair.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { differenceLine } from '@shop/db/verify.ts';
import { createProgress, type Progress } from '../progress.ts';
import { runCommand } from './command.ts';

/** What this command does not mend: rows may be in the way of it, or it is somebody else's. */
async function differencesLeft(owner: DatabaseSettings): Promise<string[]> {
  const db = connect({ ...owner, poolMax: 1 });
  try {
    return (await schemaDifferences(db)).map(differenceLine);
  } finally {
    await db.sequelize.close();
  }
}

await runCommand('db:schema', async ({ owner, accounts }) => {
  let progress: Progress | undefined;
  const ran = await migrate(owner, (rows, total) => {
    progress ??= createProgress({ total, unit: 'rows made searchable' });
    progress.update(rows);
  }).finally(() => progress?.end());
  const restored = await restoreIndexes(owner, (what) => console.log(`The ${what}: rebuilding it.`));
  if (accounts) await grantAccounts(owner, accounts);
  const left = await differencesLeft(owner);
  if (left.length > 0) {
    process.exitCode = 1;
    const rest = left.map((line) => `\n  ${line}`).join('');
    return `The database ${owner.database} differs from this release:${rest}\nTo repair it: npm run db:verify -- --repair`;
  }
  if (ran.length > 0) return `The database ${owner.database} was migrated: ${ran.join(', ')}.`;
  return `The database ${owner.database} is up to date${restored.length > 0 ? ' again' : ''}.`;
});
