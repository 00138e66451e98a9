import { prepareDatabase } from '../provision.ts';
import { seed } from '../seed.ts';
import { runCommand } from './command.ts';

await runCommand('db:seed', async (database) => {
  await prepareDatabase(database);
  await seed(database.owner);
  return 'The seed data is in place; rows that were added stay as they are.';
});
