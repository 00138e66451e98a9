import { type Database, QueryTypes } from '@shop/db/connection/connection.ts';
import { SchemaError } from '@shop/db/errors.ts';
import type { ResourceTable } from '@shop/db/models.ts';
import { searchColumns } from '@shop/db/search/search-text.ts';

/**
 * Makes the full-text indexes anew, without what was deleted or renamed since the last time. Reads go on meanwhile; who changes
 * what a row is found by waits.
 * @throws {SchemaError} with what the server says where it could not
 */
export async function optimizeSearch(db: Database): Promise<void> {
  for (const table of Object.keys(searchColumns) as ResourceTable[]) {
    const rows = await db.sequelize.query<{ Msg_type: string; Msg_text: string }>(`OPTIMIZE TABLE ${table}_search`, {
      type: QueryTypes.SELECT,
    });
    const error = rows.find((row) => row.Msg_type.toLowerCase() === 'error');
    if (error) throw new SchemaError(`The search index of ${table} was not made anew: ${error.Msg_text}.`);
  }
}
