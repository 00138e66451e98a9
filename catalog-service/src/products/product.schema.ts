import { categorySummary } from '@shop/catalogue/category.ts';
import {
  productDescription,
  productImages,
  productName,
  productSku,
  productStatus,
  productStock,
  productSummary,
  unchangedDescription,
} from '@shop/catalogue/product.ts';
import { tagSummary } from '@shop/catalogue/tag.ts';
import {
  expectedVersion,
  id,
  idList,
  ignored,
  ignoredBookkeeping,
  metadata,
  price,
  slug,
} from '@shop/resources/fields.ts';
import * as z from 'zod';

/** A product as it is answered. */
export const product = z
  .object({
    ...productSummary.shape,
    category: categorySummary.nullable().meta({ description: 'The category it is in, without its associations.' }),
    tags: z.array(tagSummary).max(1_000).meta({ description: 'Its tags, by tag id, at most 1,000.' }),
    tags_truncated: z.literal(true).optional().meta({ description: 'It has more tags than `tags` holds.' }),
  })
  .meta({ id: 'Product' });

const writable = {
  product_name: productName,
  slug,
  sku: productSku,
  description: productDescription,
  status: productStatus,
  price,
  stock: productStock,
  category_id: id.nullable().meta({ description: 'The category it is in, or null.', example: 1 }),
  image_urls: productImages,
  metadata,
  tagIds: idList(1000, 'Its tags, all of them: what is absent here is removed. Leave the field out to leave them.'),
};

const readOnly = { id: ignored, category: ignored, tags: ignored, tags_truncated: ignored, ...ignoredBookkeeping };

export const productCreate = z
  .strictObject({ ...writable, ...readOnly })
  .partial()
  .required({ product_name: true, price: true })
  .meta({ id: 'ProductCreate' });

export const productUpdate = z
  .strictObject({ ...writable, description: unchangedDescription, ...readOnly, version: expectedVersion })
  .partial()
  .meta({ id: 'ProductUpdate' });

export const productRemoved = z
  .object({
    ...product.shape,
    effects: z.object({ tags_detached: z.int().min(0).meta({ description: 'how many links to tags went with it' }) }),
  })
  .meta({ id: 'ProductRemoved' });

export type Product = z.output<typeof product>;
export type ProductCreate = z.output<typeof productCreate>;
export type ProductUpdate = z.output<typeof productUpdate>;
export type ProductRemoved = z.output<typeof productRemoved>;

export const productExamples = {
  create: { product_name: 'Basketball', price: 200, stock: 3, category_id: 5, tagIds: [1, 2, 3, 4] },
  update: { price: 189.5, stock: 4, tagIds: [1, 4] },
};
