import { categoryDescription, categoryName, categoryPosition, categorySummary } from '@shop/catalogue/category.ts';
import { productFields } from '@shop/catalogue/embedded-products.ts';
import { expectedVersion, id, ignored, ignoredBookkeeping, slug, toldId } from '@shop/resources/fields.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import * as z from 'zod';

/** A category as it is answered. */
export const category = z
  .object({
    ...categorySummary.shape,
    ...productFields(
      'How many products are directly in it.',
      'The first 50 of its products, by id, without their associations.',
    ),
  })
  .meta({ id: 'Category' });

const writable = {
  category_name: categoryName,
  slug,
  description: categoryDescription,
  parent_id: id.nullable().meta({ description: 'The category to put it in; null makes it a root.', example: null }),
  position: categoryPosition,
};

const readOnly = {
  id: ignored,
  product_count: ignored,
  products: ignored,
  products_truncated: ignored,
  ...ignoredBookkeeping,
};

export const categoryCreate = z
  .strictObject({ ...writable, ...readOnly })
  .partial()
  .required({ category_name: true })
  .meta({ id: 'CategoryCreate' });

export const categoryUpdate = z
  .strictObject({ ...writable, ...readOnly, version: expectedVersion })
  .partial()
  .meta({ id: 'CategoryUpdate' });

const effect = (description: string) => z.int().min(0).meta({ description });

export const categoryRemoved = z
  .object({
    ...category.shape,
    effects: z.object({
      products_detached: effect('how many products have no category now'),
      products_reassigned: effect('how many products are in the other category now'),
      products_deleted: effect('how many products are gone'),
      tags_detached: effect('how many links to tags went with them'),
      children_moved: effect('how many categories went up to its parent'),
    }),
  })
  .meta({ id: 'CategoryRemoved' });

/** What becomes of the products of a category that is deleted. */
export type ProductPolicy = { kind: 'detach' | 'reject' | 'delete' } | { kind: 'reassign'; to: number };

/** 422 for a category that products cannot go to, because it is none. */
export const unknownTarget = (id: number | string): Problem =>
  new Problem('unknown_reference', `There is no category ${id} for the products.`, {
    errors: [
      {
        parameter: 'products',
        code: 'unknown_reference',
        detail: `refers to ${id}, which does not exist`,
        ...(typeof id === 'number' ? { ids: [id] } : {}),
      },
    ],
  });

/** The query of a deletion. */
export const categoryRemoval = z.strictObject({
  products: z
    .string()
    .regex(/^(?:detach|reject|delete|reassign:[1-9][0-9]*)$/, 'must be detach, reject, delete or reassign:ID')
    .default('detach')
    .transform((text): ProductPolicy => {
      const [kind, id] = text.split(':');
      if (kind === 'reassign' && id !== undefined) {
        if (!Number.isSafeInteger(Number(id))) throw unknownTarget(toldId(id));
        return { kind, to: Number(id) };
      }
      return { kind: kind as 'detach' };
    })
    .meta({
      description:
        'What becomes of its products: `detach` leaves them without a category, `reassign:ID` puts them into category ID, ' +
        '`delete` deletes them, and `reject` refuses when there are any.',
      example: 'reassign:2',
      override: { type: 'string', default: 'detach' },
    }),
});

export type Category = z.output<typeof category>;
export type CategoryCreate = z.output<typeof categoryCreate>;
export type CategoryUpdate = z.output<typeof categoryUpdate>;
export type CategoryRemoved = z.output<typeof categoryRemoved>;
export type CategoryRemoval = z.output<typeof categoryRemoval>;

export const categoryExamples = {
  create: { category_name: 'Basketball shoes', description: 'High and low', parent_id: 5 },
  update: { category_name: 'Basketball boots', parent_id: null },
};
