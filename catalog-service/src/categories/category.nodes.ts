import { type CategorySummary, categoryColumns, categorySummary, presentCategory } from '@shop/catalogue/category.ts';
import { type Database, select, type Transaction } from '@shop/db/connection/connection.ts';
import { inSnapshot } from '@shop/db/connection/snapshot.ts';
import { bytesOf, fillIn } from '@shop/db/long-columns.ts';
import type { CategoryRow } from '@shop/db/models.ts';
import { fieldsParameter } from '@shop/resources/list/query.ts';
import { longColumnsFor, selectedColumns } from '@shop/resources/list/sql.ts';
import { JsonText } from '@shop/service-kit/json-text.ts';
import type { Problem } from '@shop/service-kit/problem.ts';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { claim } from '@shop/service-kit/response-budget.ts';
import { defineRoute, type Route } from '@shop/service-kit/route.ts';
import { validationProblem } from '@shop/service-kit/validation.ts';
import * as z from 'zod';

/** A category in the tree, with all that is below it. */
export interface CategoryNode extends CategorySummary {
  product_count: number;
  total_product_count: number;
  children: CategoryNode[];
}

const categoryNode: z.ZodType<CategoryNode> = z
  .object({
    ...categorySummary.shape,
    product_count: z.int().min(0).meta({ description: 'How many products are directly in it.' }),
    total_product_count: z.int().min(0).meta({ description: 'How many products are in it and below it.' }),
    get children() {
      return z.array(categoryNode).meta({ description: 'Its children, by position and id.' });
    },
  })
  .meta({ id: 'CategoryNode', description: 'A category in the tree, with all that is below it.' });

/** How many categories a tree may have: of more, not even the ids would have room in a response. */
const mostNodes = 50_000;

const fieldNames = [...Object.keys(categorySummary.shape), 'product_count', 'total_product_count'];

const categoryNodePart = z
  .record(z.string(), z.unknown())
  .meta({ id: 'CategoryNodePart', description: 'Some fields of a category in the tree, and its children.' });

const query = z.strictObject({ _fields: fieldsParameter(fieldNames) });

/** 400 for a tree that is larger than a response may be. */
const tooLarge = (): Problem =>
  validationProblem([
    {
      parameter: '_fields',
      code: 'too_large',
      detail:
        `leaves a tree of more than ${responseBytes} bytes: ask for less of each category, such as _fields=id,category_name, or ` +
        'page through /api/categories, whose parent_id says the same',
      allowed: fieldNames,
    },
  ]);

/** Bytes of a description above which it is read only once it is known that there is room for it. */
const mostInline = 512;

/**
 * The whole tree as JSON: its roots with all that is below them, siblings by position and id. Two statements, however deep; the
 * products are counted in an index.
 * @throws {Problem} 400 when it is larger than a response may be
 */
async function readTree(
  db: Database,
  fields: ReadonlySet<string> | undefined,
  snapshot: Transaction,
): Promise<JsonText> {
  const long = { columns: longColumnsFor('category', { fields }), most: mostInline };
  const columns = selectedColumns({ table: 'category', columns: categoryColumns }, { fields }, '$1');
  const [rows, counts] = await Promise.all([
    select<CategoryRow>(
      db,
      `SELECT ${columns} FROM category ORDER BY position, id LIMIT ${mostNodes + 1}`,
      long.columns.length > 0 ? [long.most] : [],
      snapshot,
    ),
    select<{ id: number; count: number }>(
      db,
      'SELECT category_id AS id, COUNT(*) AS count FROM product WHERE category_id IS NOT NULL GROUP BY category_id',
      [],
      snapshot,
    ),
  ]);
  const bytes = rows.reduce((sum, row) => sum + bytesOf(row, long.columns), 0);
  // What is short is reckoned to be more than it may be.
  if (rows.length > mostNodes || (long.columns.length > 0 && bytes > 2 * responseBytes)) throw tooLarge();
  claim(bytes);
  await fillIn(db, 'category', rows, long, snapshot);
  const countOf = new Map(counts.map(({ id, count }) => [id, count]));
  const nodes = new Map(
    rows.map((row): [number, CategoryNode] => {
      const count = countOf.get(row.id) ?? 0;
      return [row.id, { ...presentCategory(row), product_count: count, total_product_count: count, children: [] }];
    }),
  );
  const roots: CategoryNode[] = [];
  for (const node of nodes.values()) {
    const siblings = node.parent_id === null ? roots : nodes.get(node.parent_id)?.children;
    siblings?.push(node);
  }
  const addUp = (node: CategoryNode): number => {
    for (const child of node.children) node.total_product_count += addUp(child);
    return node.total_product_count;
  };
  for (const root of roots) addUp(root);
  const text = new JsonText([JSON.stringify(roots, fields && [...fields, 'children'])]);
  if (text.bytes > responseBytes) throw tooLarge();
  return text;
}

/** `GET /api/categories/tree` */
export function treeRoute(db: Database): Route {
  return defineRoute({
    method: 'get',
    path: '/api/categories/tree',
    operationId: 'getCategoryTree',
    tag: 'categories',
    summary: 'The whole tree of categories',
    description:
      'The roots, nested by `children`; `total_product_count` counts the products of a subtree. A tree of more than 4 MiB is 400: ' +
      'with `_fields` it is smaller.',
    query,
    replies: {
      200: { description: 'The roots of the tree.', schema: z.array(z.union([categoryNode, categoryNodePart])) },
    },
    problems: [],
    handler: async ({ query: { _fields } }) => ({
      status: 200,
      body: await inSnapshot(db, (snapshot) => readTree(db, _fields && new Set(_fields), snapshot)),
    }),
  });
}
