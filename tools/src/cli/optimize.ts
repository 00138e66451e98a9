import { connect } from '@shop/db/connection/connection.ts';
import { verifySchema } from '@shop/db/verify.ts';
import { optimizeSearch } from '../optimize-search.ts';
import { runCommand } from './command.ts';

await runCommand('db:optimize', async ({ owner }) => {
  const db = connect({ ...owner, poolMax: 1 });
  const started = performance.now();
  try {
    await verifySchema(db);
    await optimizeSearch(db);
    return `The search indexes of ${owner.database} were rebuilt in ${((performance.now() - started) / 1000).toFixed(1)} s.`;
  } finally {
    await db.sequelize.close();
  }
});
