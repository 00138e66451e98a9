import { prepareDatabase } from '../provision.ts';
import { dropTables } from '../reset.ts';
import { NoDatabaseError } from '../server-program.ts';
import { runCommand } from './command.ts';

const local = new Set(['localhost', '127.0.0.1', '::1']);

await runCommand('db:reset', async (database) => {
  const { host, database: name } = database.owner;
  if (!local.has(host) && !process.argv.includes('--force')) {
    throw new NoDatabaseError(
      `db:reset deletes everything in ${name} on ${host}, which is not this machine. If that is meant: npm run db:reset -- --force`,
    );
  }
  await dropTables(database.owner);
  await prepareDatabase(database);
  return `The database ${name} was emptied, created anew and seeded.`;
});
