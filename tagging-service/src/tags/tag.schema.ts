import { expectedVersion, idList, ignored, ignoredBookkeeping, slug } from '@shop/resources/fields.ts';
import { productSummary } from '@shop/resources/product.ts';
import { tagName, tagSummary } from '@shop/resources/tag.ts';
import * as z from 'zod';

/** A tag as it is answered. */
export const tag = z
  .object({
    ...tagSummary.shape,
    product_count: z.int().min(0).meta({ description: 'How many products have it.', example: 2 }),
    products: z
      .array(productSummary)
      .max(50)
      .meta({ description: 'The first 50 products that have it, by id, without their associations.' }),
  })
  .meta({ id: 'Tag' });

const writable = {
  tag_name: tagName,
  slug,
  productIds: idList(10_000, 'The products that have it, all of them. Leave the field out to leave them.'),
};

const readOnly = { id: ignored, product_count: ignored, products: ignored, ...ignoredBookkeeping };

export const tagCreate = z
  .strictObject({ ...writable, ...readOnly })
  .partial()
  .required({ tag_name: true })
  .meta({ id: 'TagCreate' });

export const tagUpdate = z
  .strictObject({ ...writable, ...readOnly, version: expectedVersion })
  .partial()
  .meta({ id: 'TagUpdate' });

export const tagRemoved = z
  .object({
    ...tag.shape,
    effects: z.object({ products_untagged: z.int().min(0).meta({ description: 'how many products had it' }) }),
  })
  .meta({ id: 'TagRemoved' });

export type Tag = z.output<typeof tag>;
export type TagCreate = z.output<typeof tagCreate>;
export type TagUpdate = z.output<typeof tagUpdate>;
export type TagRemoved = z.output<typeof tagRemoved>;

export const tagExamples = {
  create: { tag_name: 'summer sale', productIds: [1, 5] },
  update: { tag_name: 'winter sale', productIds: [1] },
};
