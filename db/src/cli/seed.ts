import { prepareDatabase } from '../provision.ts';
import { seed } from '../seed.ts';
import { runCommand } from './command.ts';

await runCommand('db:seed', async (database) => {
  await prepareDatabase(database);
  await seed(database.owner);
  return 'The seed data is in place: 5 categories, 5 products, 8 tags. Rows that were added stay as they are.';
});
