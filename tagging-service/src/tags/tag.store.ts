import { type Database, select, type Transaction } from '@shop/db/connection.ts';
import { UnknownReferenceError } from '@shop/db/errors.ts';
import type { TagRow } from '@shop/db/models.ts';
import { changeLinks, linkChange, touchProducts } from '@shop/db/product-links.ts';
import { productCounts, productsOf } from '@shop/db/product-reads.ts';
import { missingIds, ResourceWriter } from '@shop/db/resource-table.ts';
import type { Selection } from '@shop/resources/list/query.ts';
import { createListReader, pick } from '@shop/resources/list/reader.ts';
import { presentProduct } from '@shop/resources/product.ts';
import type { ResourceStore } from '@shop/resources/resource-store.ts';
import { presentTag, tagColumns } from '@shop/resources/tag.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { tagList } from './tag.list.ts';
import type { Tag, TagCreate, TagRemoved, TagUpdate } from './tag.schema.ts';

export type TagStore = ResourceStore<Tag, TagCreate, TagUpdate, TagRemoved>;

const columns = tagColumns.join(', ');
const everything: Selection = { embed: new Set(tagList.embeds), fields: undefined };

/** Where tags are read and written. */
export function createTagStore(db: Database): TagStore {
  const writer = new ResourceWriter(db, 'tag');

  const readPage = createListReader(db, tagList, '/api/tags');

  /** Rows of `tag` with what is embedded in them: one statement for the products, one for their number. */
  async function embed(
    rows: TagRow[],
    { embed: associations, fields }: Selection,
    transaction?: Transaction,
  ): Promise<Partial<Tag>[]> {
    const ids = rows.map((row) => row.id);
    const products = associations.has('products') ? await productsOf(db, 'tag', ids, transaction) : undefined;
    const counts =
      !fields || fields.has('product_count') ? await productCounts(db, 'tag', ids, transaction) : undefined;
    return rows.map((row) => ({
      ...presentTag(row),
      ...(counts ? { product_count: counts.get(row.id) ?? 0 } : {}),
      ...(products ? { products: (products.get(row.id) ?? []).map(presentProduct) } : {}),
    }));
  }

  /** A whole tag. */
  async function read(transaction: Transaction, id: number): Promise<Tag | undefined> {
    const rows = await select<TagRow>(db, `SELECT ${columns} FROM tag WHERE id = $1`, [id], transaction);
    return (await embed(rows, everything, transaction))[0] as Tag | undefined;
  }

  /**
   * Makes `productIds` the products of a tag, and tells the products first: a link shares the lock of its product, and of
   * two writers who share it, neither could go on to change the product.
   * @returns whether a link came or went, and how many went
   */
  async function setProducts(transaction: Transaction, id: number, productIds: number[]) {
    const missing = await missingIds(db, transaction, 'product', productIds);
    if (missing.length > 0) throw new UnknownReferenceError([{ field: 'productIds', ids: missing }]);
    const change = await linkChange(db, transaction, 'tag_id', id, productIds);
    await touchProducts(db, transaction, [...change.come, ...change.gone]);
    const changed = await changeLinks(db, transaction, [change], 'productIds');
    return { changed: changed.size > 0, removed: change.gone.length };
  }

  return {
    list: (request) =>
      readPage<TagRow, Partial<Tag>>(request, async (rows, selection) =>
        (await embed(rows, selection)).map((item) => pick(item, selection)),
      ),

    async get(id, selection) {
      const rows = await select<TagRow>(db, `SELECT ${columns} FROM tag WHERE id = $1`, [id]);
      const [row] = rows;
      const [item] = await embed(rows, selection);
      return row && item && { item: pick(item, selection), version: row.version };
    },

    read,
    etag: (tag) => etagOf(JSON.stringify(tag), tag.version),

    async create(transaction, input) {
      const id = await writer.insert(transaction, columnsOf(input), input.tag_name);
      if (input.productIds) await setProducts(transaction, id, input.productIds);
      return (await read(transaction, id)) as Tag;
    },

    async update(transaction, id, changes, check) {
      const current = await writer.lock(transaction, id, check);
      if (!current) return undefined;
      const { productIds } = changes;
      const touch = productIds !== undefined && (await setProducts(transaction, id, productIds)).changed;
      await writer.update(transaction, current, columnsOf(changes), { touch });
      return read(transaction, id);
    },

    async remove(transaction, id, check) {
      if (!(await writer.lock(transaction, id, check))) return undefined;
      const tag = (await read(transaction, id)) as Tag;
      const { removed: products_untagged } = await setProducts(transaction, id, []);
      await writer.delete(transaction, id);
      return { ...tag, effects: { products_untagged } };
    },

    async lock(transaction, { update, remove }) {
      const ids = [...update, ...remove].map(({ id }) => id);
      await writer.lockMany(transaction, ids);
    },
  };
}

/** The columns of `tag` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: TagCreate | TagUpdate): Partial<TagRow> {
  const { tag_name, slug } = input;
  return Object.fromEntries(Object.entries({ tag_name, slug }).filter(([, value]) => value !== undefined));
}
