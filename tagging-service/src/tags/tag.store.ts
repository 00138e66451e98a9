import { productEmbedder } from '@shop/catalogue/embedded-products.ts';
import { changeProductsOf, linkChange, moveProductsOf } from '@shop/catalogue/product-links.ts';
import { productCounts } from '@shop/catalogue/product-reads.ts';
import { presentTag, tagColumns } from '@shop/catalogue/tag.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { UnknownReferenceError } from '@shop/db/errors.ts';
import type { TagRow } from '@shop/db/models.ts';
import { missingIds, ResourceWriter, type VersionCheck } from '@shop/db/resource-table.ts';
import { createListReader, inOneState, pick } from '@shop/resources/list/reader.ts';
import type { Selection } from '@shop/resources/list/request.ts';
import type { ResourceStore } from '@shop/resources/resource-store.ts';
import { readWithin } from '@shop/resources/write/response-room.ts';
import type { Settlement } from '@shop/resources/write/settlement.ts';
import type { Dependents, Effects } from '@shop/resources/write/steps.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { tagList } from './tag.list.ts';
import type { Tag, TagChanged, TagCreate, TagMerged, TagProducts, TagRemoved, TagUpdate } from './tag.schema.ts';

export interface TagStore extends ResourceStore<Tag, TagCreate, TagUpdate, TagRemoved> {
  /** Gives a tag to some products and takes it from others; undefined when there is no such tag. */
  changeProducts(
    transaction: Transaction,
    id: number,
    products: TagProducts,
    check: VersionCheck,
  ): Promise<TagChanged | undefined>;
  /** What a merge changes before: `merge` has to settle it. */
  mergedProducts(id: number, into: number): Dependents;
  /** Gives the products of a tag another and deletes it; undefined when there is no such tag. */
  merge(
    transaction: Transaction,
    tags: { id: number; into: number },
    check: VersionCheck,
    settlement: Settlement,
  ): Promise<TagMerged | undefined>;
}

const columns = tagColumns.join(', ');
const everything: Selection = { embed: new Set(tagList.embeds), fields: undefined };

/** Where tags are read and written. */
export function createTagStore(db: Database): TagStore {
  const writer = new ResourceWriter(db, 'tag');

  const readPage = createListReader(db, tagList, '/api/tags');

  const embed = productEmbedder(db, 'tag', presentTag);

  /** A whole tag. */
  const read = (transaction: Transaction, id: number): Promise<Tag | undefined> =>
    readWithin(db, transaction, 'tag', id, async () => {
      const rows = await select<TagRow>(db, `SELECT ${columns} FROM tag WHERE id = $1`, [id], transaction);
      return (await embed(rows, everything, transaction))[0] as Tag | undefined;
    });

  /** @throws {UnknownReferenceError} naming the products that do not exist, by the field that they are in */
  async function checkProducts(transaction: Transaction, fields: Record<string, number[]>): Promise<void> {
    const references = [];
    for (const [field, listed] of Object.entries(fields)) {
      const ids = await missingIds(db, transaction, 'product', listed);
      if (ids.length > 0) references.push({ field, ids });
    }
    if (references.length > 0) throw new UnknownReferenceError(references);
  }

  /**
   * Makes `productIds` the products of a tag.
   * @returns whether a link came or went
   */
  async function setProducts(transaction: Transaction, id: number, productIds: number[]): Promise<boolean> {
    await checkProducts(transaction, { productIds });
    const wanted = await linkChange(db, transaction, 'tag_id', id, productIds);
    const lists = { add: wanted.come, remove: wanted.gone };
    const { come, gone } = await changeProductsOf(db, transaction, id, lists, 'productIds');
    return come.length + gone.length > 0;
  }

  /** The products of a tag, as a deletion or a merge changes them. */
  const productsUnder = (id: number, { change, count }: Pick<Dependents, 'change' | 'count'>): Dependents => ({
    left: async (after, limit, transaction) => {
      const sql = `SELECT product_id AS id FROM product_tag
                   WHERE tag_id = $1 AND product_id > $2 ORDER BY product_id LIMIT ${limit}`;
      return (await select<{ id: number }>(db, sql, [id, after], transaction)).map((row) => row.id);
    },
    change,
    count,
  });

  const countOf = async (id: number): Promise<number> => (await productCounts(db, 'tag', [id])).get(id) ?? 0;

  return {
    list: (request) =>
      readPage<TagRow, Partial<Tag>>(request, async (rows, selection, snapshot) =>
        (await embed(rows, selection, snapshot)).map((item) => pick(item, selection)),
      ),

    get: (id, selection) =>
      inOneState(db, tagList, selection, async (snapshot) => {
        const rows = await select<TagRow>(db, `SELECT ${columns} FROM tag WHERE id = $1`, [id], snapshot);
        const [row] = rows;
        const [item] = await embed(rows, selection, snapshot);
        return row && item && { item: pick(item, selection), version: row.version };
      }),

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
      const touch = productIds !== undefined && (await setProducts(transaction, id, productIds));
      await writer.update(transaction, current, columnsOf(changes), { touch });
      return read(transaction, id);
    },

    dependents: (id) =>
      productsUnder(id, {
        change: async (transaction, ids): Promise<Effects> => {
          const { gone } = await changeProductsOf(db, transaction, id, { add: [], remove: ids }, 'productIds');
          return { products_untagged: gone.length };
        },
        count: async () => ({ products_untagged: await countOf(id) }),
      }),

    async remove(transaction, id, check, { settlement }) {
      if (!(await writer.lock(transaction, id, check))) return undefined;
      const tag = (await read(transaction, id)) as Tag;
      const effects = { products_untagged: 0, ...(await settlement.settle(transaction)) };
      if (!settlement.isRehearsal) await writer.delete(transaction, id);
      return { ...tag, effects };
    },

    async changeProducts(transaction, id, { add = [], remove = [] }, check) {
      const current = await writer.lock(transaction, id, check);
      if (!current) return undefined;
      await checkProducts(transaction, { add, remove });
      const { come, gone } = await changeProductsOf(db, transaction, id, { add, remove }, 'add');
      await writer.update(transaction, current, {}, { touch: come.length + gone.length > 0 });
      const effects = { products_tagged: come.length, products_untagged: gone.length };
      return { ...((await read(transaction, id)) as Tag), effects };
    },

    mergedProducts: (id, into) =>
      productsUnder(id, {
        change: async (transaction, ids): Promise<Effects> => {
          // A link shares the lock of its tag. Without it, this would hold products that who holds the tag waits for.
          const unknown = await missingIds(db, transaction, 'tag', [into], { share: true });
          if (unknown.length > 0) throw unknownInto(into);
          const { come, gone } = await moveProductsOf(db, transaction, { from: id, into }, ids);
          return { products_tagged: come.length, products_untagged: gone.length };
        },
        count: async () => {
          const [both] = await select<{ count: number }>(
            db,
            `SELECT COUNT(*) AS count FROM product_tag AS old
             JOIN product_tag AS new ON new.product_id = old.product_id AND new.tag_id = $2 WHERE old.tag_id = $1`,
            [id, into],
          );
          const products_untagged = await countOf(id);
          return { products_tagged: products_untagged - (both?.count ?? 0), products_untagged };
        },
      }),

    async merge(transaction, { id, into }, check, settlement) {
      const locked = await writer.lockMany(transaction, [id, into]);
      const [current, target] = [locked.get(id), locked.get(into)];
      if (!current) return undefined;
      await check(current.version);
      if (!target) throw unknownInto(into);
      const effects = { products_tagged: 0, products_untagged: 0, ...(await settlement.settle(transaction)) };
      if (!settlement.isRehearsal) await writer.delete(transaction, id);
      await writer.update(transaction, target, {}, { touch: effects.products_tagged > 0 });
      const tag = (await read(transaction, into)) as Tag;
      const uncounted = settlement.isRehearsal ? effects.products_tagged : 0;
      return { ...tag, product_count: tag.product_count + uncounted, effects };
    },

    async lock(transaction, { update, remove }) {
      const ids = [...update, ...remove].map(({ id }) => id);
      return writer.lockForParts(transaction, ids);
    },
  };
}

const unknownInto = (id: number) => new UnknownReferenceError([{ field: 'into', ids: [id] }]);

/** The columns of `tag` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: TagCreate | TagUpdate): Partial<TagRow> {
  const { tag_name, slug } = input;
  return Object.fromEntries(Object.entries({ tag_name, slug }).filter(([, value]) => value !== undefined));
}
