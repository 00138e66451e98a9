import type { StockMovementRow } from '@shop/catalogue/stock-ledger.ts';
import { connect, select } from '@shop/db/connection/connection.ts';
import { untilRunning } from '@shop/testing/database.ts';
import type { TestService } from '@shop/testing/service.ts';

/** A name that no other test has. */
let count = 0;
export const unique = (name: string): string => `${name} ${++count}`;

/** Another name for the body of an answer, whose shape is what the test is about. */
type Body = Awaited<ReturnType<TestService['get']>>['body'];

/**
 * Rows for a test to begin with: products and categories made through the service, tags, which another service owns,
 * by the owner of the database.
 */
export function rowsIn(service: TestService) {
  const created = async (path: string, fields: Record<string, unknown>): Promise<Body> => {
    const { status, body, text } = await service.post(path, fields);
    if (status !== 201) throw new Error(`POST ${path} answered ${status}: ${text}`);
    return body;
  };
  return {
    product: (fields: Record<string, unknown> = {}) =>
      created('/api/products', { product_name: unique('Product'), price: 1, ...fields }),
    category: () => created('/api/categories', { category_name: unique('Category') }),
    /** @returns the new tag's id */
    tag: async (): Promise<number> => {
      const name = unique('Tag');
      const values = { tag_name: name, slug: name.toLowerCase().replace(' ', '-') };
      const row = await service.database.db.models.tag.create(values, { fields: ['tag_name', 'slug'] });
      return row.get('id') as number;
    },
    /** The whole ledger of a product, the oldest first, and its sum. */
    ledgerOf: async (product_id: number) => {
      const movements = await select<StockMovementRow>(
        service.database.db,
        'SELECT * FROM stock_movement WHERE product_id = $1 ORDER BY id',
        [product_id],
      );
      return { movements, sum: movements.reduce((sum, { delta }) => sum + delta, 0) };
    },
    /** How many links to tags a product has. */
    linksOf: (product_id: number): Promise<number> =>
      service.database.db.models.product_tag.count({ where: { product_id } }),
  };
}

/**
 * Runs `work` while one expensive read takes the lane of a service in which there is room for one: counts by tag, which wait for a
 * table that nothing else reads meanwhile.
 */
export async function whileLaneIsTaken(service: TestService, work: () => Promise<void>): Promise<void> {
  const owner = connect({ ...service.database.owner, poolMax: 1 });
  try {
    await owner.sequelize.query('LOCK TABLES tag WRITE');
    const facets = service.get('/api/products/facets');
    await untilRunning(service.database, /JOIN tag/);
    await work();
    const { status, body } = await facets;
    if (status !== 503) throw new Error(`the facets did not wait for the table: ${status} ${JSON.stringify(body)}`);
  } finally {
    await owner.sequelize.close();
  }
}

/** How many rows a service's statements have read so far, as its database's server counts them. */
export async function rowsRead({ database }: TestService): Promise<number> {
  const { user } = database.settingsOf('catalog');
  const [server] = await select<{ version: string }>(database.db, 'SELECT VERSION() AS version');
  if (!/mariadb/i.test(server?.version ?? '')) {
    const [row] = await select<{ count: number }>(
      database.db,
      `SELECT SUM(sum_rows_examined) AS count FROM performance_schema.events_statements_summary_by_user_by_event_name WHERE user = $1`,
      [user],
    );
    return Number(row?.count ?? 0);
  }
  await database.db.sequelize.query('SET GLOBAL userstat = 1');
  const [row] = await select<{ count: number }>(
    database.db,
    'SELECT rows_read AS count FROM information_schema.user_statistics WHERE user = $1',
    [user],
  );
  return Number(row?.count ?? 0);
}
