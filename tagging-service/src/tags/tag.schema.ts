import { productFields } from '@shop/catalogue/embedded-products.ts';
import { tagName, tagSummary } from '@shop/catalogue/tag.ts';
import { expectedVersion, id, idList, ignored, ignoredBookkeeping, slug } from '@shop/resources/fields.ts';
import * as z from 'zod';

/** A tag as it is answered. */
export const tag = z
  .object({
    ...tagSummary.shape,
    ...productFields(
      'How many products have it.',
      'The first 50 products that have it, by id, without their associations.',
    ),
  })
  .meta({ id: 'Tag' });

const writable = {
  tag_name: tagName,
  slug,
  productIds: idList(
    10_000,
    'The products that have it, all of them. Leave the field out to leave them. The version of a tag does not count what ' +
      'writes of products link meanwhile: to add and remove some, whatever the others are, use `POST /api/tags/:id/products`.',
  ),
};

const readOnly = {
  id: ignored,
  product_count: ignored,
  products: ignored,
  products_truncated: ignored,
  ...ignoredBookkeeping,
};

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

/** Which products are to get a tag, and which to lose it. */
export const tagProducts = z
  .strictObject({
    add: idList(10_000, 'The products that get it; one that has it already stays as it is.'),
    remove: idList(10_000, 'The products that lose it; one that does not have it stays as it is.'),
  })
  .partial()
  .superRefine(({ add = [], remove = [] }, context) => {
    const refuse = (path: string[], code: string, message: string) =>
      context.addIssue({ code: 'custom', path, message, params: { code } });
    if (add.length + remove.length === 0) refuse([], 'required', 'must name a product in add or remove');
    const added = new Set(add);
    const both = remove.filter((one) => added.has(one));
    if (both.length > 0) refuse(['remove'], 'contradiction', `has ${both.slice(0, 10).join(', ')} in common with add`);
  })
  .meta({ id: 'TagProducts' });

export const tagChanged = z
  .object({
    ...tag.shape,
    effects: z.object({
      products_tagged: z.int().min(0).meta({ description: 'how many products have it that did not' }),
      products_untagged: z.int().min(0).meta({ description: 'how many products do not have it that did' }),
    }),
  })
  .meta({ id: 'TagChanged' });

/** Which tag takes the place of another. */
export const tagMerge = z
  .strictObject({ into: id.meta({ description: 'The tag that its products get.', example: 2 }) })
  .meta({ id: 'TagMerge' });

export const tagMerged = z
  .object({
    ...tag.shape,
    effects: z.object({
      products_tagged: z.int().min(0).meta({ description: 'how many products have the other tag that did not' }),
      products_untagged: z.int().min(0).meta({ description: 'how many products had the tag that is gone' }),
    }),
  })
  .meta({ id: 'TagMerged' });

export type Tag = z.output<typeof tag>;
export type TagCreate = z.output<typeof tagCreate>;
export type TagUpdate = z.output<typeof tagUpdate>;
export type TagRemoved = z.output<typeof tagRemoved>;
export type TagProducts = z.output<typeof tagProducts>;
export type TagChanged = z.output<typeof tagChanged>;
export type TagMerged = z.output<typeof tagMerged>;

export const tagExamples = {
  create: { tag_name: 'summer sale', productIds: [1, 5] },
  update: { tag_name: 'winter sale', productIds: [1] },
  products: { add: [2, 3], remove: [1] },
  merge: { into: 2 },
};
