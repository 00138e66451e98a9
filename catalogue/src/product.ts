import type { ProductRow } from '@shop/db/models.ts';
import { plainRow } from '@shop/db/resource-table.ts';
import {
  bookkeeping,
  count,
  id,
  imageUrl,
  line,
  metadataShape,
  priceShape,
  prose,
  slug,
} from '@shop/resources/fields.ts';
import { toTimestamp } from '@shop/resources/timestamp.ts';
import * as z from 'zod';
import { largestStock } from './stock-ledger.ts';

export const productName = line(255, 'What it is called.', 'Plain T-Shirt');
export const productSku = line(64, 'Your own number for it; unique.', 'TS-PLAIN-M').nullable();
export const productDescription = prose(
  'At most 65,535 bytes. (One that was longer before stays readable.)',
  65_535,
).nullable();
/** In a change: one that is longer than it may be can be sent back as it was read. */
export const unchangedDescription = prose(
  'At most 65,535 bytes, unless it is the one that the product has.',
).nullable();
export const productStatus = z
  .enum(['draft', 'active', 'archived'])
  .meta({ description: 'Whether it is on sale.', example: 'active' });
export const productStock = count(largestStock).meta({ description: 'How many there are.', example: 14 });
export const productImages = z.array(imageUrl).max(20).meta({ description: 'Pictures of it, the first one first.' });

/** A product without its associations, as it is embedded in a category or a tag. */
export const productSummary = z
  .object({
    id,
    product_name: productName,
    slug,
    sku: productSku,
    description: productDescription,
    status: productStatus,
    price: priceShape,
    stock: productStock,
    category_id: id.nullable().meta({ description: 'The category that it is in, or null.', example: 1 }),
    image_urls: productImages,
    metadata: metadataShape,
    ...bookkeeping,
  })
  .meta({ id: 'ProductSummary', description: 'A product without its associations.' });

export type ProductSummary = z.output<typeof productSummary>;

export const productColumns = Object.keys(productSummary.shape);

/** A row of `product` as the API shows it. */
export function presentProduct(raw: ProductRow): ProductSummary {
  const row = plainRow(raw);
  return {
    id: row.id,
    product_name: row.product_name,
    slug: row.slug,
    sku: row.sku,
    description: row.description,
    status: row.status,
    price: row.price,
    stock: row.stock,
    category_id: row.category_id,
    image_urls: row.image_urls,
    metadata: row.metadata,
    created_at: toTimestamp(row.created_at),
    updated_at: toTimestamp(row.updated_at),
    version: row.version,
  };
}
