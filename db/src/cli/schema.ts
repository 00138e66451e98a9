import { grantAccounts } from '../accounts.ts';
import { migrate } from '../migrate.ts';
import { runCommand } from './command.ts';

await runCommand('db:schema', async ({ owner, accounts }) => {
  const ran = await migrate(owner);
  if (accounts) await grantAccounts(owner, accounts);
  return ran.length > 0
    ? `The database ${owner.database} was migrated: ${ran.join(', ')}.`
    : `The database ${owner.database} is up to date.`;
});
