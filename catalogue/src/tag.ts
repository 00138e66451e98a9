import type { TagRow } from '@shop/db/models.ts';
import { bookkeeping, id, line, slug } from '@shop/resources/fields.ts';
import { toTimestamp } from '@shop/resources/timestamp.ts';
import * as z from 'zod';

export const tagName = line(255, 'Unique, whatever the case and accents.', 'rock music');

/** A tag without its associations, as it is embedded in a product. */
export const tagSummary = z
  .object({ id, tag_name: tagName, slug, ...bookkeeping })
  .meta({ id: 'TagSummary', description: 'A tag without its associations.' });

export type TagSummary = z.output<typeof tagSummary>;

export const tagColumns = Object.keys(tagSummary.shape);

/** A row of `tag` as the API shows it. */
export const presentTag = (row: TagRow): TagSummary => ({
  id: row.id,
  tag_name: row.tag_name,
  slug: row.slug,
  created_at: toTimestamp(row.created_at),
  updated_at: toTimestamp(row.updated_at),
  version: row.version,
});
