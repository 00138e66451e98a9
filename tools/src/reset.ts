import { connect, select } from '@shop/db/connection/connection.ts';
import { createDatabase } from '@shop/db/migrate.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';

/** Drops every table of a database, whatever refers to what. The database itself stays: its owner may not be able to make it anew. */
export async function dropTables(owner: DatabaseSettings): Promise<void> {
  await createDatabase(owner);
  const db = connect({ ...owner, poolMax: 1 });
  try {
    const tables = await select<{ name: string }>(
      db,
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'",
    );
    if (tables.length === 0) return;
    await db.sequelize.query('SET SESSION foreign_key_checks = 0');
    await db.sequelize.query(`DROP TABLE ${tables.map(({ name }) => `\`${name}\``).join(', ')}`);
  } finally {
    await db.sequelize.close();
  }
}
