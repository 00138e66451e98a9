import { randomUUID } from 'node:crypto';
import { categoryColumns, largestPosition, presentCategory } from '@shop/catalogue/category.ts';
import { lockTree } from '@shop/catalogue/category-tree.ts';
import { productEmbedder } from '@shop/catalogue/embedded-products.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { violatedIndex } from '@shop/db/errors.ts';
import type { CategoryRow } from '@shop/db/models.ts';
import { nextVersion, ResourceWriter } from '@shop/db/resource-table.ts';
import { createListReader, inOneState, pick } from '@shop/resources/list/reader.ts';
import type { Selection } from '@shop/resources/list/request.ts';
import { columnsFor } from '@shop/resources/list/sql.ts';
import type { ResourceStore } from '@shop/resources/resource-store.ts';
import { readWithin } from '@shop/resources/write/response-room.ts';
import { etagOf } from '@shop/service-kit/etag.ts';
import { categoryList } from './category.list.ts';
import { checkPolicy, noEffects, productsUnder, twinsAbove } from './category.removal.ts';
import type { Category, CategoryCreate, CategoryRemoval, CategoryRemoved, CategoryUpdate } from './category.schema.ts';
import { checkParent } from './category.tree.ts';

export type CategoryStore = ResourceStore<Category, CategoryCreate, CategoryUpdate, CategoryRemoved, CategoryRemoval>;

const columns = categoryColumns.join(', ');
const everything: Selection = { embed: new Set(categoryList.embeds), fields: undefined };

/** Where categories are read and written. */
export function createCategoryStore(db: Database): CategoryStore {
  const writer = new ResourceWriter(db, 'category');

  const readPage = createListReader(db, categoryList, '/api/categories');

  const embed = productEmbedder(db, 'category', presentCategory);

  /** A whole category. */
  const read = (transaction: Transaction, id: number): Promise<Category | undefined> =>
    readWithin(db, transaction, 'category', id, async () => {
      const rows = await select<CategoryRow>(db, `SELECT ${columns} FROM category WHERE id = $1`, [id], transaction);
      return (await embed(rows, everything, transaction))[0] as Category | undefined;
    });

  /** Behind all its siblings; beside one that is as far as there is, its id is what puts it there. */
  async function lastPosition(transaction: Transaction, parentId: number | null): Promise<number> {
    const [row] = await select<{ next: number }>(
      db,
      'SELECT COALESCE(MAX(position) + 1, 0) AS next FROM category WHERE parent_id <=> $1',
      [parentId],
      transaction,
    );
    return Math.min(row?.next ?? 0, largestPosition);
  }

  return {
    list: (request) =>
      readPage<CategoryRow, Partial<Category>>(request, async (rows, selection, snapshot) =>
        (await embed(rows, selection, snapshot)).map((item) => pick(item, selection)),
      ),

    get: (id, selection) =>
      inOneState(db, categoryList, selection, async (snapshot) => {
        const asked = columnsFor(categoryList, selection).join(', ');
        const rows = await select<CategoryRow>(db, `SELECT ${asked} FROM category WHERE id = $1`, [id], snapshot);
        const [row] = rows;
        const [item] = await embed(rows, selection, snapshot);
        return row && item && { item: pick(item, selection), version: row.version };
      }),

    read,
    etag: (category) => etagOf(JSON.stringify(category), category.version),

    async create(transaction, input) {
      const parentId = input.parent_id ?? null;
      if (parentId !== null) {
        await lockTree(db, transaction, 'grow');
        await checkParent(db, transaction, parentId);
      }
      const position = input.position ?? (await lastPosition(transaction, parentId));
      const id = await writer.insert(transaction, { ...columnsOf(input), position }, input.category_name);
      return (await read(transaction, id)) as Category;
    },

    async update(transaction, id, changes, check) {
      const { parent_id: parentId } = changes;
      if (parentId !== undefined) await lockTree(db, transaction, 'move');
      const current = await writer.lock(transaction, id, check);
      if (!current) return undefined;
      if (parentId && parentId !== current.parent_id) await checkParent(db, transaction, parentId, id);
      await writer.update(transaction, current, columnsOf(changes));
      return read(transaction, id);
    },

    dependents: (id, { products }) => productsUnder(db, id, products),

    async remove(transaction, id, check, { query, settlement }) {
      await lockTree(db, transaction, 'move');
      const current = await writer.lock(transaction, id, check);
      if (!current) return undefined;
      const category = (await read(transaction, id)) as Category;
      await checkPolicy(db, transaction, category, query.products);
      const { category: categories } = db.models;
      // One of its children may have its name.
      await categories.update({ category_name: randomUUID() }, { where: { id }, transaction });
      const [children_moved] = await categories
        .update({ parent_id: current.parent_id, ...nextVersion }, { where: { parent_id: id }, transaction })
        .catch(async (error) => {
          throw violatedIndex(error) === undefined ? error : await twinsAbove(db, transaction, current);
        });
      const effects = { ...noEffects, children_moved, ...(await settlement.settle(transaction)) };
      if (!settlement.isRehearsal) await writer.delete(transaction, id);
      return { ...category, effects };
    },

    async lock(transaction, { create, update, remove }) {
      const isMove = remove.length > 0 || update.some(({ changes }) => changes.parent_id !== undefined);
      const isGrowth = create.some((input) => (input.parent_id ?? null) !== null);
      // The stronger lock at once: of two who hold the weaker one, neither could go on to the stronger.
      if (isMove || isGrowth) await lockTree(db, transaction, isMove ? 'move' : 'grow');
      const ids = [...update, ...remove].map(({ id }) => id);
      return writer.lockForParts(transaction, ids);
    },
  };
}

/** The columns of `category` that a write sets; what is absent in the input is absent here. */
function columnsOf(input: CategoryCreate | CategoryUpdate): Partial<CategoryRow> {
  const { category_name, slug, description, parent_id, position } = input;
  const values = { category_name, slug, description, parent_id, position };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}
