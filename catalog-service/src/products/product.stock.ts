import { moveStock } from '@shop/catalogue/stock-ledger.ts';
import type { Database, Transaction } from '@shop/db/connection/connection.ts';
import { ResourceWriter } from '@shop/db/resource-table.ts';
import { checkOf, orMissing } from '@shop/resources/crud-routes.ts';
import { pathId } from '@shop/resources/fields.ts';
import { defineWrite, type ServiceContext } from '@shop/resources/write/write.ts';
import type { Reply, Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import { movementDelta, movementReason, movementsPath, presentMovement, stockMovement } from './product.movements.ts';
import type { ProductStore } from './product.store.ts';

const stockChange = z
  .strictObject({ delta: movementDelta, reason: movementReason.optional() })
  .meta({ id: 'StockChange' });

/**
 * Adds to a product's stock, or takes from it, in the caller's transaction.
 * @throws {Problem} 404
 * @throws {StockRangeError}
 */
async function changeStock(
  db: Database,
  transaction: Transaction,
  id: number,
  { delta, reason = null }: z.output<typeof stockChange>,
): Promise<Reply> {
  const movement = orMissing('product', id, await moveStock(db, transaction, id, { delta, reason }));
  const headers = { Location: `${movementsPath(id)}?id=${movement.id}` };
  return { status: 201, body: presentMovement(movement), headers };
}

/** `POST /api/products/:id/stock` */
export function stockRoute(context: ServiceContext, store: ProductStore): Route {
  const writer = new ResourceWriter(context.db, 'product');
  const check = checkOf('product', store);
  return defineWrite(context, {
    conditional: 'optional',
    method: 'post',
    path: '/api/products/:id/stock',
    operationId: 'changeStock',
    tag: 'products',
    summary: 'Add to the stock of a product, or take from it',
    description:
      'All or nothing, however many do so at once: the stock is never less than 0. Answers with the movement, which the ledger ' +
      'keeps; its `stock` is how many there are now.',
    params: z.object({ id: pathId }),
    body: stockChange,
    examples: {
      take: { summary: 'Take three for an order', value: { delta: -3, reason: 'order 1001' } },
      add: { summary: 'Add a delivery', value: { delta: 100, reason: 'delivery 77' } },
    },
    replies: {
      201: {
        description: 'The movement.',
        schema: stockMovement,
        headers: {
          Location: z
            .string()
            .meta({ description: 'Where the movement is listed, relative to the path of the request.' }),
        },
      },
    },
    problems: ['not_found', 'insufficient_stock'],
    work: async (transaction, { params: { id }, body, expectation }) => {
      // Without an expectation the row is not locked before its stock is changed: many may do so at once.
      const { ifMatch, ifNoneMatch } = expectation;
      if (ifMatch ?? ifNoneMatch) await writer.lock(transaction, id, check(transaction, id, expectation));
      return changeStock(context.db, transaction, id, body);
    },
  });
}
