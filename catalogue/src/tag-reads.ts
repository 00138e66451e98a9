import {
  type Database,
  longestList,
  padded,
  placeholders,
  select,
  type Transaction,
} from '@shop/db/connection/connection.ts';
import type { ProductTagRow, TagRow } from '@shop/db/models.ts';
import { piecesOf } from '@shop/db/steps.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';

/** How many tags are embedded in a product: as many as a write can give it at once. */
export const embeddedTags = 1_000;

/** Products of which each tag is read with each link to it; of more, the same few tags would be read again and again. */
const fewProducts = 250;

/** Links beyond which the tags of products are read product by product, and no further than a response has room. */
const manyLinks = { withTags: 4_096, alone: 16_384 };

/** The tags that are embedded in a product, and whether it has more. */
export interface EmbeddedTags {
  tags: TagRow[];
  isCut: boolean;
}

/** Bytes that tags take in a response, about. */
export const tagBytes = (tags: TagRow[]): number =>
  tags.reduce((sum, { tag_name, slug }) => sum + 160 + Buffer.byteLength(tag_name) + slug.length, 0);

/** The first {@link embeddedTags} of what was found of a product. */
const embedded = (tags: TagRow[]): EmbeddedTags => ({
  tags: tags.slice(0, embeddedTags),
  isCut: tags.length > embeddedTags,
});

/**
 * The tags of each product, by tag id, at most {@link embeddedTags} of each: one statement, or for very many products two. When
 * they are too many, products are read one by one in the order given until a response has no more room: the last may have no
 * entry, the first has one.
 */
export async function tagsOf(
  db: Database,
  productIds: number[],
  columns: string[],
  transaction?: Transaction,
): Promise<Map<number, EmbeddedTags>> {
  if (productIds.length === 0) return new Map();
  const found =
    productIds.length > fewProducts
      ? await tagsByLinks(db, productIds, columns, transaction)
      : await tagsAtOnce(db, productIds, columns, transaction);
  if (found) return new Map(productIds.map((id) => [id, embedded(found.get(id) ?? [])]));
  const fitting = new Map<number, EmbeddedTags>();
  let room = responseBytes;
  for (const id of productIds) {
    const tags = await tagsAtOnce(db, [id], columns, transaction, embeddedTags);
    const own = embedded(tags?.get(id) ?? []);
    room -= tagBytes(own.tags);
    if (room < 0 && fitting.size > 0) break;
    fitting.set(id, own);
  }
  return fitting;
}

/**
 * The tags of products, each with each link to it.
 * @param most of all together; without it, undefined is returned when they are too many
 */
async function tagsAtOnce(
  db: Database,
  productIds: number[],
  columns: string[],
  transaction: Transaction | undefined,
  most?: number,
): Promise<Map<number, TagRow[]> | undefined> {
  const bind = padded(productIds);
  const limit = (most ?? manyLinks.withTags) + 1;
  const rows = await select<TagRow & { product_id: number }>(
    db,
    `SELECT product_tag.product_id, ${columns.map((column) => `tag.${column}`).join(', ')}
     FROM product_tag JOIN tag ON tag.id = product_tag.tag_id
     WHERE product_tag.product_id IN (${placeholders(bind.length)})
     ORDER BY product_tag.product_id, product_tag.tag_id LIMIT ${limit}`,
    bind,
    transaction,
  );
  if (most === undefined && rows.length === limit) return undefined;
  return Map.groupBy(rows, (row) => row.product_id);
}

/** The tags of products, each tag read once; undefined when there are too many links. */
async function tagsByLinks(
  db: Database,
  productIds: number[],
  columns: string[],
  transaction: Transaction | undefined,
): Promise<Map<number, TagRow[]> | undefined> {
  const bind = padded(productIds);
  const limit = manyLinks.alone + 1;
  const sql = `SELECT product_id, tag_id FROM product_tag WHERE product_id IN (${placeholders(bind.length)})
               ORDER BY product_id, tag_id LIMIT ${limit}`;
  const links = await select<ProductTagRow>(db, sql, bind, transaction);
  if (links.length === limit) return undefined;
  const tags = new Map<number, TagRow>();
  for (const piece of piecesOf([...new Set(links.map((link) => link.tag_id))], longestList)) {
    const ids = padded(piece);
    const tagSql = `SELECT ${columns.join(', ')} FROM tag WHERE id IN (${placeholders(ids.length)})`;
    for (const tag of await select<TagRow>(db, tagSql, ids, transaction)) tags.set(tag.id, tag);
  }
  const found = new Map<number, TagRow[]>();
  for (const { product_id, tag_id } of links) {
    // One that was deleted between the two statements is one that it no longer has.
    const tag = tags.get(tag_id);
    if (!tag) continue;
    const own = found.get(product_id);
    if (own) own.push(tag);
    else found.set(product_id, [tag]);
  }
  return found;
}
