import { grantAccounts } from '../accounts.ts';
import { migrate } from '../migrate.ts';
import { createProgress, type Progress } from '../progress.ts';
import { runCommand } from './command.ts';

await runCommand('db:schema', async ({ owner, accounts }) => {
  let progress: Progress | undefined;
  const ran = await migrate(owner, (rows, total) => {
    progress ??= createProgress({ total, unit: 'rows made searchable' });
    progress.update(rows);
  }).finally(() => progress?.end());
  if (accounts) await grantAccounts(owner, accounts);
  return ran.length > 0
    ? `The database ${owner.database} was migrated: ${ran.join(', ')}.`
    : `The database ${owner.database} is up to date.`;
});
