import { productDescription } from '@shop/catalogue/product.ts';
import { changeLinks, linkChanges, linkCounts } from '@shop/catalogue/product-links.ts';
import { recordStockChanges, stockReasons } from '@shop/catalogue/stock-ledger.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { UnknownReferenceError } from '@shop/db/errors.ts';
import type { ProductRow } from '@shop/db/models.ts';
import { missingIds, ResourceWriter } from '@shop/db/resource-table.ts';
import { metadata } from '@shop/resources/fields.ts';
import { selectionKey } from '@shop/resources/list/query.ts';
import { createListReader, pick } from '@shop/resources/list/reader.ts';
import type { Selection } from '@shop/resources/list/request.ts';
import type { ResourceChange, ResourceRemoval, ResourceStore } from '@shop/resources/resource-store.ts';
import { merged } from '@shop/resources/write/merge-patch.ts';
import { readWithin, roomOf } from '@shop/resources/write/response-room.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { faultsAt, parseBody, validationProblem } from '@shop/service-kit/validation.ts';
import { productList } from './product.list.ts';
import {
  everything,
  type ProductVersions,
  presentProducts,
  readProduct,
  readProducts,
  readVersions,
} from './product.reads.ts';
import type { Product, ProductCreate, ProductRemoved, ProductUpdate } from './product.schema.ts';

export type ProductStore = ResourceStore<Product, ProductCreate, ProductUpdate, ProductRemoved>;

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
    readWithin(db, transaction, 'product', id, () => readProduct(db, id, everything, transaction)) as Promise<
      Product | undefined
    >;

  /** Whole products, in the order of `ids`; where they are too long for one answer, their versions stand for all of them. */
  async function readMany(transaction: Transaction, ids: number[]): Promise<(Product | undefined)[]> {
    if (ids.length === 1) return [await read(transaction, ids[0] as number)];
    const room = roomOf(transaction);
    if (!room?.isFull) {
      const { products, isCut } = await readProducts(db, ids, transaction);
      if (!isCut) return ids.map((id) => products.get(id) as Product | undefined);
      room?.fill();
    }
    const versions = await writer.versions(transaction, ids);
    return ids.map((id) => (versions.has(id) ? ({ id, version: versions.get(id) } as Product) : undefined));
  }

  /**
   * Keeps categories from changing or going until the transaction ends, which a product that is put into one does anyway. Before
   * the product is locked, because who deletes a category locks its products after it.
   * @returns the ids that no category has
   */
  async function lockCategories(transaction: Transaction, inputs: (ProductCreate | ProductUpdate)[]) {
    const ids = new Set(inputs.flatMap(({ category_id }) => category_id ?? []));
    return new Set(await missingIds(db, transaction, 'category', [...ids], { share: true }));
  }

  /** @throws {UnknownReferenceError} naming every id in the inputs that does not exist */
  async function checkReferences(
    transaction: Transaction,
    inputs: (ProductCreate | ProductUpdate)[],
    unknownCategories: ReadonlySet<number>,
  ): Promise<void> {
    const tagIds = new Set(inputs.flatMap((input) => input.tagIds ?? []));
    const references = [
      { field: 'category_id', ids: [...unknownCategories] },
      { field: 'tagIds', ids: await missingIds(db, transaction, 'tag', [...tagIds]) },
    ].filter(({ ids }) => ids.length > 0);
    if (references.length > 0) throw new UnknownReferenceError(references);
  }

  /** Links new products to their tags. */
  const linkNew = (transaction: Transaction, products: { id: number; input: ProductCreate }[]) =>
    changeLinks(
      db,
      transaction,
      products.map(({ id, input }) => ({ side: 'product_id', id, come: input.tagIds ?? [], gone: [] })),
      'tagIds',
    );

  /** Opens the ledgers of new products. */
  const openLedgers = (transaction: Transaction, products: { id: number; stock: number }[]) =>
    recordStockChanges(
      db,
      transaction,
      products.map(({ id, stock }) => movement(id, 0, stock, stockReasons.create)),
    );

  async function create(transaction: Transaction, input: ProductCreate): Promise<Product> {
    await checkReferences(transaction, [input], await lockCategories(transaction, [input]));
    const id = await writer.insert(transaction, columnsOf(input), input.product_name);
    await linkNew(transaction, [{ id, input }]);
    const product = (await read(transaction, id)) as Partial<Product> & { id: number; version: number };
    // A batch without room for whole resources has not read it.
    const { stock = (await writer.lockMany(transaction, [id])).get(id)?.stock ?? 0 } = product;
    await openLedgers(transaction, [{ id, stock }]);
    return product as Product;
  }

  async function createMany(transaction: Transaction, inputs: ProductCreate[]): Promise<Product[]> {
    await checkReferences(transaction, inputs, await lockCategories(transaction, inputs));
    const named = inputs.map((input) => ({ values: columnsOf(input), name: input.product_name }));
    const rows = await writer.insertMany(transaction, named);
    await linkNew(
      transaction,
      inputs.map((input, index) => ({ id: rows[index]?.id as number, input })),
    );
    await openLedgers(transaction, rows);
    const ids = rows.map(({ id }) => id);
    return (await readMany(transaction, ids)) as Product[];
  }

  /**
   * A merge patch of a product that is locked, as changes.
   * @throws {Problem} 400 for metadata that are too large together with those that are there
   */
  async function mergedInto(transaction: Transaction, { id, changes }: { id: number; changes: ProductUpdate }) {
    if (changes.metadata === undefined) return changes;
    const sql = 'SELECT metadata FROM product WHERE id = $1';
    const [row] = await select<{ metadata: string }>(db, sql, [id], transaction);
    const parsed = parseBody(metadata, merged(JSON.parse(row?.metadata ?? '{}'), changes.metadata));
    if (parsed.faults) throw validationProblem(faultsAt('/metadata', parsed.faults));
    return { ...changes, metadata: parsed.value };
  }

  /** No id may be there twice. */
  async function updateMany(
    transaction: Transaction,
    updates: ResourceChange<ProductUpdate>[],
  ): Promise<(Product | undefined)[]> {
    const inputs = updates.map(({ changes }) => changes);
    const unknownCategories = await lockCategories(transaction, inputs);
    const ids = updates.map(({ id }) => id);
    const rows = await writer.lockMany(transaction, ids);
    const found = updates.flatMap((update) => {
      const row = rows.get(update.id);
      return row ? [{ ...update, row }] : [];
    });
    if (found.length === 0) return ids.map(() => undefined);
    for (const { row, check } of found) await check(row.version);
    for (const update of found) if (update.isMergePatch) update.changes = await mergedInto(transaction, update);
    await checkReferences(transaction, inputs, unknownCategories);
    const wanted = found.flatMap(({ id, changes: { tagIds } }) => (tagIds ? [[id, tagIds] as const] : []));
    const links = await linkChanges(db, transaction, 'product_id', new Map(wanted));
    const touched = await changeLinks(db, transaction, links, 'tagIds');
    const values = found.map(({ id, row, changes }) => ({ row, values: columnsOf(changes), touch: touched.has(id) }));
    await writer.updateMany(transaction, values, checkDescription);
    const moved = found.map(({ id, row, changes }) =>
      movement(id, row.stock, changes.stock ?? row.stock, stockReasons.update),
    );
    await recordStockChanges(db, transaction, moved);
    return readMany(transaction, ids);
  }

  /** No id may be there twice. */
  async function removeMany(
    transaction: Transaction,
    removals: ResourceRemoval[],
  ): Promise<(ProductRemoved | undefined)[]> {
    const ids = removals.map(({ id }) => id);
    const rows = await writer.lockMany(transaction, ids);
    for (const { id, check } of removals) {
      const row = rows.get(id);
      if (row) await check(row.version);
    }
    const products = await readMany(transaction, ids);
    const links = await linkCounts(db, transaction, ids);
    await writer.delete(transaction, [...rows.keys()]);
    return products.map((product) => product && { ...product, effects: { tags_detached: links.get(product.id) ?? 0 } });
  }

  return {
    list: (request) =>
      readPage<ProductRow, Partial<Product>>(request, async (rows, selection, snapshot) =>
        (await presentProducts(db, rows, selection, snapshot)).map((item) => pick(item, selection)),
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

    create,
    update: async (transaction, id, changes, check, how) =>
      (await updateMany(transaction, [{ id, changes, check, ...how }]))[0],
    remove: async (transaction, id, check) => (await removeMany(transaction, [{ id, check }]))[0],
    createMany,
    updateMany,
    removeMany,

    async lock(transaction, { create, update, remove }) {
      await lockCategories(transaction, [...create, ...update.map(({ changes }) => changes)]);
      return writer.lockForParts(
        transaction,
        [...update, ...remove].map(({ id }) => id),
      );
    },
  };
}

/** Every write of a stock is a movement of the ledger, too. */
const movement = (product_id: number, before: number, after: number, reason: string) => ({
  product_id,
  before,
  after,
  reason,
});

/** The columns of `product` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: ProductCreate | ProductUpdate): Partial<ProductRow> {
  const { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata } = input;
  const values = { product_name, slug, sku, description, status, price, stock, category_id, image_urls, metadata };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/**
 * A description that is longer than one may be can be sent back as it was read, and not be written anew.
 * @throws {Problem} 400
 */
function checkDescription({ description }: Partial<ProductRow>): void {
  const fault = description === undefined ? undefined : parseBody(productDescription, description).faults?.[0];
  if (fault) throw validationProblem([{ ...fault, pointer: '/description' }]);
}
