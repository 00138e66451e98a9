import { largestStock, type StockMovementRow } from '@shop/catalogue/stock-ledger.ts';
import { type Database, select } from '@shop/db/connection/connection.ts';
import { id, line, pathId, timestamp } from '@shop/resources/fields.ts';
import type { ListDeclaration } from '@shop/resources/list/declaration.ts';
import { listQuery, listRequest } from '@shop/resources/list/query.ts';
import { createListReader, pick } from '@shop/resources/list/reader.ts';
import type { Filter } from '@shop/resources/list/request.ts';
import { toTimestamp } from '@shop/resources/timestamp.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import { defineRoute, type Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';

export const movementDelta = z
  .int()
  .min(-largestStock)
  .max(largestStock)
  .refine((value) => value !== 0, { error: 'must not be 0', params: { code: 'invalid_value' } })
  .meta({ description: 'What comes (positive) or goes (negative).', example: -3 });

export const movementReason = line(255, 'What it is for.', 'order 1001').nullable();

/** A line of the ledger. */
export const stockMovement = z
  .object({
    id,
    product_id: id.meta({ description: 'The product whose stock it is.', example: 1 }),
    delta: movementDelta,
    stock: z.int().meta({ description: 'How many there were after it.', example: 11 }),
    reason: movementReason,
    created_at: timestamp('When it was asked for (UTC).'),
  })
  .meta({ id: 'StockMovement', description: "A change of a product's stock." });

export type StockMovement = z.output<typeof stockMovement>;

const columns = Object.keys(stockMovement.shape);

/** A row of `stock_movement` as the API shows it. */
export const presentMovement = (row: StockMovementRow): StockMovement => ({
  id: row.id,
  product_id: row.product_id,
  delta: row.delta,
  stock: row.stock,
  reason: row.reason,
  created_at: toTimestamp(row.created_at),
});

/** What lists of movements can do. */
const movementList: ListDeclaration = {
  table: 'stock_movement',
  columns,
  fields: {
    id: { kind: 'integer', unique: true },
    product_id: { kind: 'integer' },
    delta: { kind: 'integer' },
    stock: { kind: 'integer' },
    reason: { kind: 'string', nullable: true },
    created_at: { kind: 'datetime' },
  },
  indexes: [['id'], ['product_id']],
  search: [],
  sort: [{ field: 'id', descending: true }],
  embeds: [],
  shape: columns,
};

/** The path of a product's movements. */
export const movementsPath = (productId: number): string => `/api/products/${productId}/stock-movements`;

/** `GET /api/products/:id/stock-movements` */
export function movementsRoute(db: Database): Route {
  return defineRoute({
    method: 'get',
    path: '/api/products/:id/stock-movements',
    operationId: 'listStockMovements',
    tag: 'products',
    summary: "List the movements of a product's stock",
    description:
      'Every change of the stock, whatever made it, the newest first; their sum is the stock. Filters, sorts and pages like ' +
      'every list.',
    params: z.object({ id: pathId }),
    query: listQuery(movementList),
    replies: {
      200: {
        description: 'A page of movements.',
        schema: z.array(
          z.union([
            stockMovement,
            stockMovement.partial().meta({ id: 'StockMovementPart', description: 'Some fields of a movement.' }),
          ]),
        ),
        headers: {
          Link: z.string().meta({
            description:
              'RFC 8288: `first`, and `prev` and `next` where there are such pages; relative to the request.',
          }),
        },
      },
    },
    problems: ['not_found'],
    handler: async ({ params: { id: productId }, query, request }) => {
      const asked = listRequest(movementList, query, request.query);
      const ofProduct: Filter = { field: 'product_id', operator: '', values: [productId] };
      const readPage = createListReader(db, movementList, movementsPath(productId));
      const { body, headers } = await readPage<StockMovementRow, Partial<StockMovement>>(
        { ...asked, filters: [ofProduct, ...asked.filters] },
        async (rows, selection) => rows.map((row) => pick(presentMovement(row), selection)),
      );
      if (body.length === 0) {
        const [product] = await select(db, 'SELECT 1 FROM product WHERE id = $1', [productId]);
        if (!product) throw new Problem('not_found', `There is no product ${productId}.`);
      }
      return { status: 200, body, headers };
    },
  });
}
