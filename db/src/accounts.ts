import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { connect } from './connection/connection.ts';
import { hasErrno, SchemaError } from './errors.ts';
import type { DatabaseSettings } from './settings.ts';

/** Name and password of a database account. */
export interface Account {
  user: string;
  password: string;
}

/**
 * Gives the two services' accounts their rights (`db/grants.sql`), and creates the accounts where the owner may. Run
 * it after every migration: a right on a table needs the table.
 * @throws {SchemaError} when an account does not exist and cannot be created
 */
export async function grantAccounts(
  owner: DatabaseSettings,
  accounts: { catalog: Account; tagging: Account },
): Promise<void> {
  const db = connect({ ...owner, poolMax: 1 }, { multipleStatements: true });
  try {
    for (const { user, password } of Object.values(accounts)) {
      const name = `${db.sequelize.escape(user)}@'%'`;
      const identified = `IDENTIFIED BY ${db.sequelize.escape(password)}`;
      await db.sequelize
        .query(`CREATE USER IF NOT EXISTS ${name} ${identified}; ALTER USER ${name} ${identified}`)
        .catch((error) => {
          if (!hasErrno(error, 'specificAccessDenied')) throw error;
        });
    }
    const template = await readFile(path.join(import.meta.dirname, '../grants.sql'), 'utf8');
    const grants = template
      // Functions: in a text, $$ and its like would stand for something else.
      .replaceAll('{database}', () => owner.database)
      .replaceAll('{catalog}', () => accounts.catalog.user)
      .replaceAll('{tagging}', () => accounts.tagging.user);
    await db.sequelize.query(grants);
  } catch (error) {
    if (hasErrno(error, 'cannotCreateUserWithGrant') || hasErrno(error, 'tableAccessDenied')) {
      throw new SchemaError(
        `The accounts ${accounts.catalog.user} and ${accounts.tagging.user} could not be given their rights: "${owner.user}" may not. Create them, or leave CATALOG_DB_USER and TAGGING_DB_USER empty.`,
      );
    }
    throw error;
  } finally {
    await db.sequelize.close();
  }
}
