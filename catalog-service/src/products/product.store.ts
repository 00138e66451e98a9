import type { Database, Transaction } from '@shop/db/connection.ts';
import { UnknownReferenceError, violatedForeignKey } from '@shop/db/errors.ts';
import type { ProductRow } from '@shop/db/models.ts';
import { changeLinks, linkChange } from '@shop/db/product-links.ts';
import { missingIds, ResourceWriter } from '@shop/db/resource-table.ts';
import { recordStockChanges, stockReasons } from '@shop/db/stock-ledger.ts';
import type { ResourceStore } from '@shop/resources/crud-routes.ts';
import { type Selection, selectionKey } from '@shop/resources/list/query.ts';
import { createListReader, pick } from '@shop/resources/list/reader.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { productList } from './product.list.ts';
import { type ProductVersions, presentProducts, readProduct, readVersions } from './product.reads.ts';
import type { Product, ProductCreate, ProductRemoved, ProductUpdate } from './product.schema.ts';

export type ProductStore = ResourceStore<Product, ProductCreate, ProductUpdate, ProductRemoved>;

const everything: Selection = { embed: new Set(productList.embeds), fields: undefined };

/** The entity tag of a product: its version first, then what it embeds, then which part of it was asked for. */
function productEtag({ product, category, tags }: ProductVersions, selection: Selection): string {
  const key = selectionKey(productList, selection);
  const { embed } = selection;
  const parts = [product, embed.has('category') ? category : 0, embed.has('tags') ? tags : 0].join('.');
  return key === '' ? `"${parts}"` : etagOf(key, parts);
}

/** The versions of all that an answered product is made of; what was not asked for counts as nothing. */
const versionsIn = ({ version, category, tags }: Pick<Product, 'version'> & Partial<Product>): ProductVersions => ({
  product: version,
  category: category?.version ?? 0,
  tags: (tags ?? []).reduce((sum, tag) => sum + tag.version, 0),
});

/** Where products are read and written. */
export function createProductStore(db: Database): ProductStore {
  const writer = new ResourceWriter(db, 'product');

  const readPage = createListReader(db, productList, '/api/products');

  /** A whole product. */
  const read = (transaction: Transaction, id: number) =>
    readProduct(db, id, everything, transaction) as Promise<Product | undefined>;

  /** @throws {UnknownReferenceError} naming every id in the input that does not exist */
  async function checkReferences(
    transaction: Transaction,
    { category_id, tagIds }: ProductCreate | ProductUpdate,
  ): Promise<void> {
    const references = [
      { field: 'category_id', ids: category_id ? await missingIds(db, transaction, 'category', [category_id]) : [] },
      { field: 'tagIds', ids: await missingIds(db, transaction, 'tag', tagIds ?? []) },
    ].filter(({ ids }) => ids.length > 0);
    if (references.length > 0) throw new UnknownReferenceError(references);
  }

  /**
   * Makes `tagIds` the tags of a product; absent leaves them.
   * @returns whether a link came or went
   */
  async function setTags(transaction: Transaction, id: number, tagIds: number[] | undefined): Promise<boolean> {
    if (!tagIds) return false;
    return changeLinks(db, transaction, await linkChange(db, transaction, 'product_id', id, tagIds), 'tagIds');
  }

  /** Every write of a stock is a movement of the ledger, too. */
  const recordStock = (transaction: Transaction, product_id: number, before: number, after: number, reason: string) =>
    recordStockChanges(db, transaction, [{ product_id, before, after, reason }]);

  /** A category that was deleted between the check and the write is unknown, too. */
  async function orUnknownCategory<T>(categoryId: number | null | undefined, write: Promise<T>): Promise<T> {
    return write.catch((error) => {
      if (!categoryId || violatedForeignKey(error)?.constraint !== 'product_category') throw error;
      throw new UnknownReferenceError([{ field: 'category_id', ids: [categoryId] }]);
    });
  }

  return {
    list: (request) =>
      readPage<ProductRow, Partial<Product>>(request, async (rows, selection) =>
        (await presentProducts(db, rows, selection)).map((item) => pick(item, selection)),
      ),

    async get(id, selection, isKnown) {
      if (isKnown) {
        const versions = await readVersions(db, id);
        if (!versions) return undefined;
        const etag = productEtag(versions, selection);
        if (isKnown(etag)) return { version: versions.product, etag };
      }
      const item = await readProduct(db, id, selection);
      if (!item) return undefined;
      return { item: pick(item, selection), version: item.version, etag: productEtag(versionsIn(item), selection) };
    },

    read,
    etag: (product) => productEtag(versionsIn(product), everything),

    async create(transaction, input) {
      await checkReferences(transaction, input);
      const id = await orUnknownCategory(
        input.category_id,
        writer.insert(transaction, columnsOf(input), input.product_name),
      );
      await setTags(transaction, id, input.tagIds);
      const product = (await read(transaction, id)) as Product;
      await recordStock(transaction, id, 0, product.stock, stockReasons.create);
      return product;
    },

    async update(transaction, id, changes, check) {
      const current = await writer.lock(transaction, id, check);
      if (!current) return undefined;
      await checkReferences(transaction, changes);
      const touch = await setTags(transaction, id, changes.tagIds);
      await orUnknownCategory(changes.category_id, writer.update(transaction, current, columnsOf(changes), { touch }));
      await recordStock(transaction, id, current.stock, changes.stock ?? current.stock, stockReasons.update);
      return read(transaction, id);
    },

    async remove(transaction, id, check) {
      if (!(await writer.lock(transaction, id, check))) return undefined;
      const product = (await read(transaction, id)) as Product;
      await writer.delete(transaction, id);
      return { ...product, effects: { tags_detached: product.tags.length } };
    },
  };
}

/** The columns of `product` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: ProductCreate | ProductUpdate): Partial<ProductRow> {
  const { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata } = input;
  const values = { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
