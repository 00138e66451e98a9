import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { connect, select } from '@shop/db/connection/connection.ts';
import { SchemaError, violatedIndex, violatedValue } from '@shop/db/errors.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';

/**
 * Restores the classic test data: its rows become what `db/seeds` says, every other row stays. All or nothing.
 * @throws {SchemaError} when a row that somebody added holds a name or slug that a seed row needs
 */
export async function seed(owner: DatabaseSettings): Promise<void> {
  const db = connect({ ...owner, poolMax: 1 }, { multipleStatements: true });
  try {
    await db.sequelize.query(await readFile(path.join(import.meta.dirname, '../../db/seeds/0001-classic.sql'), 'utf8'));
  } catch (error) {
    const index = violatedIndex(error);
    if (index === undefined) throw error;
    throw new SchemaError(
      `The seed data was not restored and nothing was changed: another row holds "${violatedValue(error)}" (unique index ${index}). Rename or delete it first.`,
    );
  } finally {
    // The connection ends, and with it what the file left open: its transaction and its temporary tables.
    await db.sequelize.close();
  }
}

/** Whether there is not one category, product or tag. */
export async function isEmpty(owner: DatabaseSettings): Promise<boolean> {
  const db = connect({ ...owner, poolMax: 1 });
  try {
    const [row] = await select<{ filled: number }>(
      db,
      'SELECT EXISTS (SELECT 1 FROM category) OR EXISTS (SELECT 1 FROM product) OR EXISTS (SELECT 1 FROM tag) AS filled',
    );
    return row?.filled === 0;
  } finally {
    await db.sequelize.close();
  }
}
