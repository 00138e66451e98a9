import { rotateCursorKeys } from '@shop/db/cursor-keys.ts';
import { prepareDatabase } from '../provision.ts';
import { runCommand } from './command.ts';

await runCommand('db:rotate-cursor-keys', async (database) => {
  await prepareDatabase(database);
  await rotateCursorKeys(database.owner);
  return 'Both services have a new key for cursors, and sign with it in a few minutes; pages that are open stay valid for a day.';
});
