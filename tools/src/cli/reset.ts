import { prepareDatabase } from '../provision.ts';
import { dropTables } from '../reset.ts';
import { refuseElsewhere, runCommand } from './command.ts';

await runCommand('db:reset', async (database) => {
  const { owner } = database;
  if (!process.argv.includes('--force')) {
    refuseElsewhere(owner, 'This deletes everything in', 'db:reset -- --force');
  }
  await dropTables(owner);
  await prepareDatabase(database);
  return `The database ${owner.database} was emptied, created anew and seeded.`;
});
