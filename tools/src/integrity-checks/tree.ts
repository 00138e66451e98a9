import { largestDepth, lockTree } from '@shop/catalogue/category-tree.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { nextVersion } from '@shop/db/resource-table.ts';
import { change, type IntegrityCheck, rowCheck } from './check.ts';
import { freeText } from './uniqueness.ts';

/** The parent of each category. */
type Parents = Map<number, number | null>;

async function readParents(db: Database, transaction?: Transaction): Promise<Parents> {
  const rows = await select<{ id: number; parent_id: number | null }>(
    db,
    'SELECT id, parent_id FROM category ORDER BY id',
    [],
    transaction,
  );
  return new Map(rows.map(({ id, parent_id }) => [id, parent_id]));
}

/** The smallest id of each cycle. */
function cyclesOf(parents: Parents): number[] {
  const found: number[] = [];
  /** From which category each was first reached on the way up. */
  const reachedFrom = new Map<number, number>();
  for (const start of parents.keys()) {
    let id: number | null | undefined = start;
    while (id && !reachedFrom.has(id)) {
      reachedFrom.set(id, start);
      id = parents.get(id);
    }
    if (!id || reachedFrom.get(id) !== start) continue;
    let smallest = id;
    for (let other = parents.get(id); other && other !== id; other = parents.get(other)) {
      smallest = Math.min(smallest, other);
    }
    found.push(smallest);
  }
  return found.toSorted((a, b) => a - b);
}

/**
 * The categories at which the tree has to be cut for no part of it to be deeper than it may be: those at the first depth
 * that is too much, and again as far below them.
 */
function tooDeepOf(parents: Parents): number[] {
  const children = Map.groupBy(parents.keys(), (id) => parents.get(id) ?? null);
  let found: number[] = [];
  let level = children.get(null) ?? [];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > 1 && depth % largestDepth === 1) found = found.concat(level);
    level = level.flatMap((id) => children.get(id) ?? []);
  }
  return found.toSorted((a, b) => a - b);
}

const lock: IntegrityCheck['lock'] = (db, transaction) => lockTree(db, transaction, 'move');

/** Makes categories roots, under another name where a root has theirs. */
const repair: IntegrityCheck['repair'] = async (db, transaction, keys) => {
  for (const { id } of keys) {
    const row = await db.models.category.findByPk(id, { attributes: ['category_name'], transaction });
    const name = String(row?.get('category_name'));
    const root = { parent_id: null };
    const category_name = await freeText(db, transaction, 'category', 'category_name', Number(id), name, root);
    await db.models.category.update({ ...root, category_name, ...nextVersion }, { where: { id }, transaction });
  }
};

const shapeCheck = (what: string, remedy: string, findIn: (parents: Parents) => number[]): IntegrityCheck => ({
  what,
  remedy,
  async find(db, among) {
    const ids = among && new Set(among.keys.map(({ id }) => id));
    const found = findIn(await readParents(db, among?.transaction));
    return found.filter((id) => !ids || ids.has(id)).map((id) => ({ id }));
  },
  lock,
  repair,
});

const lockRow = "SELECT 1 FROM mutex WHERE name = 'category_tree'";

/** That the categories are a tree, and not too deep. */
export const treeChecks: IntegrityCheck[] = [
  {
    what: 'missing rows of mutex, without which two moves could make a cycle',
    remedy: 'inserted',
    find: (db, among) =>
      select(db, `SELECT 1 AS missing FROM DUAL WHERE NOT EXISTS (${lockRow})`, [], among?.transaction),
    lock: async () => {},
    repair: (db, transaction) => change(db, transaction, "INSERT IGNORE INTO mutex (name) VALUES ('category_tree')"),
  },
  {
    ...rowCheck({
      what: 'categories in a category that does not exist',
      remedy: 'made roots',
      table: 'category',
      joins: 'LEFT JOIN category AS parent ON parent.id = category.parent_id',
      condition: 'category.parent_id IS NOT NULL AND parent.id IS NULL',
      repair,
    }),
    lock,
  },
  shapeCheck('cycles of categories', 'cut at their smallest id, which is a root now', cyclesOf),
  shapeCheck(`categories deeper than ${largestDepth}, by where to cut`, 'made roots', tooDeepOf),
];
