import type { Database, Transaction } from '@shop/db/connection/connection.ts';
import { bytesOf, longColumns } from '@shop/db/long-columns.ts';
import type { Selection } from '@shop/resources/list/request.ts';
import { longColumnsFor } from '@shop/resources/list/sql.ts';
import * as z from 'zod';
import { type ProductSummary, presentProduct, productSummary } from './product.ts';
import { productCounts, productsOf } from './product-reads.ts';
import { jsonInflation, writable } from './writable.ts';

const longOfProduct = longColumns.product ?? [];

/** The fields of a category or a tag that tell of its products. */
export const productFields = (counted: string, embedded: string) => ({
  product_count: z.int().min(0).meta({ description: counted, example: 1 }),
  products: z.array(productSummary).max(50).meta({ description: embedded }),
  products_truncated: z.literal(true).optional().meta({
    description:
      '`products` ends early, because those that follow are too long to be embedded: a resource with its products can be sent back in a body of 1 MiB.',
  }),
});

export interface WithProducts {
  product_count: number;
  products: ProductSummary[];
  products_truncated?: true | undefined;
}

/**
 * Makes the function that turns rows into what is answered, with the products that are embedded in them and their number. It
 * ends early where a response has no room for more, but never before the first.
 */
export const productEmbedder =
  <Row extends { id: number }, Summary extends object>(
    db: Database,
    parent: 'category' | 'tag',
    present: (row: Row) => Summary,
  ) =>
  async (
    rows: Row[],
    selection: Selection,
    transaction?: Transaction,
  ): Promise<(Summary & Partial<WithProducts>)[]> => {
    const { embed, fields } = selection;
    const columns = longColumnsFor(parent, selection);
    const parents = rows.map((row) => ({ id: row.id, bytes: bytesOf(row, columns) }));
    const embedded = embed.has('products') ? await productsOf(db, parent, parents, transaction) : undefined;
    const kept = embedded ? rows.slice(0, embedded.length) : rows;
    const ids = kept.map((row) => row.id);
    const counts =
      !fields || fields.has('product_count') ? await productCounts(db, parent, ids, transaction) : undefined;
    return kept.map((row, index) => {
      const { products, isCut } = embedded?.[index] ?? {};
      const bytes = (products ?? []).reduce(
        (sum, product) => sum + bytesOf(product, longOfProduct),
        bytesOf(row, columns),
      );
      const item = {
        ...present(row),
        ...(counts ? { product_count: counts.get(row.id) ?? 0 } : {}),
        ...(products ? { products: products.map(presentProduct) } : {}),
        ...(isCut ? { products_truncated: true as const } : {}),
      };
      return writable(item, 'products', jsonInflation * bytes);
    });
  };
