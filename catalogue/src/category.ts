import type { CategoryRow } from '@shop/db/models.ts';
import { bookkeeping, count, id, line, prose, slug } from '@shop/resources/fields.ts';
import { toTimestamp } from '@shop/resources/timestamp.ts';
import * as z from 'zod';

export const categoryName = line(
  255,
  'Unique among the categories with the same parent, whatever the case and accents.',
  'Shirts',
);
export const categoryDescription = prose('At most 65,535 bytes.', 65_535).nullable();
/** What the column holds at most. */
export const largestPosition = 4_294_967_295;

export const categoryPosition = count(largestPosition).meta({
  description: 'Its place among its siblings; last when absent on create.',
  example: 0,
});

/** A category without its associations, as it is embedded in a product. */
export const categorySummary = z
  .object({
    id,
    category_name: categoryName,
    slug,
    description: categoryDescription,
    parent_id: id.nullable().meta({ description: 'The category that it is in; null for a root.', example: null }),
    position: categoryPosition,
    ...bookkeeping,
  })
  .meta({ id: 'CategorySummary', description: 'A category without its associations.' });

export type CategorySummary = z.output<typeof categorySummary>;

export const categoryColumns = Object.keys(categorySummary.shape);

/** A row of `category` as the API shows it. */
export const presentCategory = (row: CategoryRow): CategorySummary => ({
  id: row.id,
  category_name: row.category_name,
  slug: row.slug,
  description: row.description,
  parent_id: row.parent_id,
  position: row.position,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
  version: row.version,
});
