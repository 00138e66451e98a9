import { type Database, placeholders, select, type Transaction } from '@shop/db/connection.ts';
import { UnknownReferenceError, violatedForeignKey } from '@shop/db/errors.ts';
import type { CategoryRow, ProductRow, TagRow } from '@shop/db/models.ts';
import { changeLinks, linkChange, tagsOf } from '@shop/db/product-links.ts';
import { missingIds, ResourceWriter } from '@shop/db/resource-table.ts';
import { recordStockChanges, stockReasons } from '@shop/db/stock-ledger.ts';
import { inTransaction } from '@shop/db/transaction.ts';
import { type CategorySummary, categoryColumns, presentCategory } from '@shop/resources/category.ts';
import type { ResourceStore } from '@shop/resources/crud-routes.ts';
import { type Selection, selectionKey } from '@shop/resources/list/query.ts';
import { createListReader, pick } from '@shop/resources/list/reader.ts';
import { type ProductSummary, presentProduct, productColumns } from '@shop/resources/product.ts';
import { presentTag, tagColumns } from '@shop/resources/tag.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { productList } from './product.list.ts';
import type { Product, ProductCreate, ProductRemoved, ProductUpdate } from './product.schema.ts';

export type ProductStore = ResourceStore<Product, ProductCreate, ProductUpdate, ProductRemoved>;

const columns = productColumns.join(', ');
const everything = { embed: new Set(productList.embeds) };

/**
 * What tells two representations of a product apart. Which category and which tags it has is part of its own version, so
 * the sum of the tags' versions changes whenever one of them does.
 */
interface Versions {
  product: number;
  category: number;
  tags: number;
}

const sumOfVersions = (tags: { version: number }[]): number => tags.reduce((sum, tag) => sum + tag.version, 0);

/** The entity tag of a product: its version first, then what it embeds, then which part of it was asked for. */
function productEtag({ product, category, tags }: Versions, selection: Selection): string {
  const key = selectionKey(productList, selection);
  const { embed } = selection;
  const parts = [product, embed.has('category') ? category : 0, embed.has('tags') ? tags : 0].join('.');
  return key === '' ? `"${parts}"` : etagOf(key, parts);
}

/** Where products are read and written. */
export function createProductStore(db: Database): ProductStore {
  const writer = new ResourceWriter(db, 'product');

  const readPage = createListReader(db, productList, '/api/products');

  /** The categories of products, by id: one statement. */
  async function categoriesOf(rows: ProductRow[], transaction?: Transaction): Promise<Map<number, CategorySummary>> {
    const ids = [...new Set(rows.flatMap((row) => (row.category_id === null ? [] : [row.category_id])))];
    if (ids.length === 0) return new Map();
    const found = await select<CategoryRow>(
      db,
      `SELECT ${categoryColumns.join(', ')} FROM category WHERE id IN (${placeholders(ids.length)})`,
      ids,
      transaction,
    );
    return new Map(found.map((row) => [row.id, presentCategory(row)]));
  }

  /** Rows of `product` with what is embedded in them: a statement for each association, however many rows. */
  async function embed(
    rows: ProductRow[],
    { embed: associations }: Pick<Selection, 'embed'>,
    transaction?: Transaction,
  ): Promise<(ProductSummary & Partial<Product>)[]> {
    const categories = associations.has('category') ? await categoriesOf(rows, transaction) : undefined;
    const ids = rows.map((row) => row.id);
    const tags = associations.has('tags') ? await tagsOf<TagRow>(db, ids, tagColumns, transaction) : undefined;
    return rows.map((row) => ({
      ...presentProduct(row),
      ...(categories
        ? { category: (row.category_id === null ? undefined : categories.get(row.category_id)) ?? null }
        : {}),
      ...(tags ? { tags: (tags.get(row.id) ?? []).map(presentTag) } : {}),
    }));
  }

  /** A whole product. */
  async function read(id: number, transaction?: Transaction): Promise<Product | undefined> {
    const rows = await select<ProductRow>(db, `SELECT ${columns} FROM product WHERE id = $1`, [id], transaction);
    return (await embed(rows, everything, transaction))[0] as Product | undefined;
  }

  /** The versions of all that a product's representation is made of: one statement on primary keys, no row read whole. */
  async function versionsOf(id: number): Promise<Versions | undefined> {
    const [row] = await select<Versions>(
      db,
      `SELECT product.version AS product, COALESCE(category.version, 0) AS category,
              (SELECT COALESCE(SUM(tag.version), 0) FROM product_tag JOIN tag ON tag.id = product_tag.tag_id
               WHERE product_tag.product_id = product.id) AS tags
       FROM product LEFT JOIN category ON category.id = product.category_id WHERE product.id = $1`,
      [id],
    );
    return row;
  }

  /** @throws {UnknownReferenceError} naming every id in the input that does not exist */
  async function checkReferences(transaction: Transaction, { category_id, tagIds }: ProductUpdate): Promise<void> {
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
        (await embed(rows, selection)).map((item) => pick(item, selection)),
      ),

    async get(id, selection, isKnown) {
      if (isKnown) {
        const versions = await versionsOf(id);
        if (!versions) return undefined;
        const etag = productEtag(versions, selection);
        if (isKnown(etag)) return { version: versions.product, etag };
      }
      const rows = await select<ProductRow>(db, `SELECT ${columns} FROM product WHERE id = $1`, [id]);
      const [item] = await embed(rows, selection);
      if (!item) return undefined;
      const { version, category, tags } = item;
      const versions = { product: version, category: category?.version ?? 0, tags: sumOfVersions(tags ?? []) };
      return { item: pick(item, selection), version, etag: productEtag(versions, selection) };
    },

    create: (input) =>
      inTransaction(db, async (transaction) => {
        await checkReferences(transaction, input);
        const id = await orUnknownCategory(
          input.category_id,
          writer.insert(transaction, columnsOf(input), input.product_name),
        );
        await setTags(transaction, id, input.tagIds);
        const product = (await read(id, transaction)) as Product;
        await recordStock(transaction, id, 0, product.stock, stockReasons.create);
        return product;
      }),

    update: (id, changes) =>
      inTransaction(db, async (transaction) => {
        const current = await writer.lock(transaction, id);
        if (!current) return undefined;
        await checkReferences(transaction, changes);
        const touch = await setTags(transaction, id, changes.tagIds);
        await orUnknownCategory(
          changes.category_id,
          writer.update(transaction, current, columnsOf(changes), { touch }),
        );
        await recordStock(transaction, id, current.stock, changes.stock ?? current.stock, stockReasons.update);
        return read(id, transaction);
      }),

    remove: (id) =>
      inTransaction(db, async (transaction) => {
        if (!(await writer.lock(transaction, id))) return undefined;
        const product = (await read(id, transaction)) as Product;
        await writer.delete(transaction, id);
        return { ...product, effects: { tags_detached: product.tags.length } };
      }),
  };
}

/** The columns of `product` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: ProductUpdate): Partial<ProductRow> {
  const { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata } = input;
  const values = { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
