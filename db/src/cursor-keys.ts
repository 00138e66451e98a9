import { connect, type Database, QueryTypes, select } from './connection/connection.ts';
import { inTransaction } from './connection/transaction.ts';
import { SchemaError } from './errors.ts';
import type { DatabaseSettings, ServiceAccount } from './settings.ts';

const tableOf = (account: ServiceAccount): string => `${account}_cursor_key`;

/** Hours for which a key still verifies once a newer one is there: for as long as a client may leave a page open. */
const validHours = 24;

/** Seconds for which a new key only verifies, so that every replica has read it before one of them signs with it. */
const announcedSeconds = 120;

const isReplaced = (table: string): string =>
  `EXISTS (SELECT 1 FROM ${table} AS newer WHERE newer.id > ${table}.id
           AND newer.created_at < CURRENT_TIMESTAMP(3) - INTERVAL ${validHours} HOUR)`;

/**
 * The keys of a service's cursors, 32 bytes each: the first signs, all verify.
 * @throws {SchemaError} when there is none
 */
export async function readCursorKeys(db: Database, account: ServiceAccount): Promise<Buffer[]> {
  const table = tableOf(account);
  const rows = await select<{ secret: Buffer; announced: number }>(
    db,
    `SELECT secret, created_at > CURRENT_TIMESTAMP(3) - INTERVAL ${announcedSeconds} SECOND AS announced
     FROM ${table} WHERE NOT ${isReplaced(table)} ORDER BY id DESC`,
  );
  const signing = rows.find(({ announced }) => !announced) ?? rows.at(-1);
  if (!signing) throw new SchemaError(`The table ${table} is empty. Run "npm run db:rotate-cursor-keys".`);
  return [signing, ...rows.filter((row) => row !== signing)].map(({ secret }) => secret);
}

/** Gives both services a new key for their cursors. Pages that are open stay so for a day; keys that are older are forgotten. */
export async function rotateCursorKeys(owner: DatabaseSettings): Promise<void> {
  const db = connect({ ...owner, poolMax: 1 });
  try {
    await inTransaction(db, async (transaction) => {
      for (const table of [tableOf('catalog'), tableOf('tagging')]) {
        await db.sequelize.query(`INSERT INTO ${table} (secret) VALUES (RANDOM_BYTES(32))`, { transaction });
        // MySQL deletes from no table that the condition reads: what is replaced is found first.
        const replaced = await select<{ id: number }>(
          db,
          `SELECT id FROM ${table} WHERE ${isReplaced(table)}`,
          [],
          transaction,
        );
        await db.sequelize.query(`DELETE FROM ${table} WHERE id <= $1`, {
          type: QueryTypes.BULKDELETE,
          bind: [Math.max(0, ...replaced.map(({ id }) => id))],
          transaction,
        });
      }
    });
  } finally {
    await db.sequelize.close();
  }
}
