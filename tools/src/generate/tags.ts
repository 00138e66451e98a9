import type { TagRow } from '@shop/db/models.ts';
import { slugOf } from '@shop/db/slug.ts';
import { type Random, weighted, zipf } from './random.ts';
import { tagNames } from './words.ts';

/** The tags of every catalogue, the most popular first. */
export const tagPlans: Pick<TagRow, 'tag_name' | 'slug'>[] = tagNames.map((tag_name) => ({
  tag_name,
  slug: slugOf(tag_name),
}));

const drawTag = weighted(zipf(tagPlans.length, 0.98));
/** Of 0, 1, …, 6 tags: 2.5 in the mean. */
const drawCount = weighted([10, 18, 25, 21, 14, 8, 4]);

/** The tags of one product: indexes in `tagPlans`, each once. */
export function drawTags(random: Random): number[] {
  const count = drawCount(random);
  const tags = new Set<number>();
  while (tags.size < count) tags.add(drawTag(random));
  return [...tags];
}
