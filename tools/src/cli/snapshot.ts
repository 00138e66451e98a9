import { writeFile } from 'node:fs/promises';
import { connect } from '@shop/db/connection/connection.ts';
import { migrate } from '@shop/db/migrate.ts';
import { readTables, renderSnapshot, snapshotFile } from '@shop/db/schema/snapshot.ts';
import { runCommand } from './command.ts';

await runCommand('db:snapshot', async ({ owner }) => {
  const empty = { ...owner, database: `snapshot_${process.pid}`, poolMax: 1 };
  const db = connect(empty);
  try {
    await migrate(empty);
    await writeFile(snapshotFile, renderSnapshot(await readTables(db)));
  } finally {
    await db.sequelize.query(`DROP DATABASE IF EXISTS \`${empty.database}\``);
    await db.sequelize.close();
  }
  return 'Wrote the schema of the migrations to db/schema.sql.';
});
