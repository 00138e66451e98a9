import { type Database, select } from '@shop/db/connection.ts';
import type { CategoryRow } from '@shop/db/models.ts';
import { type CategorySummary, categoryColumns, categorySummary, presentCategory } from '@shop/resources/category.ts';
import { defineRoute, type Route } from '@shop/service-kit/route.ts';
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

/**
 * The whole tree: its roots with all that is below them, siblings by position and id. Two statements, however deep; the
 * products are counted in an index.
 */
async function readTree(db: Database): Promise<CategoryNode[]> {
  const [rows, counts] = await Promise.all([
    select<CategoryRow>(db, `SELECT ${categoryColumns.join(', ')} FROM category ORDER BY position, id`),
    select<{ id: number; count: number }>(
      db,
      'SELECT category_id AS id, COUNT(*) AS count FROM product WHERE category_id IS NOT NULL GROUP BY category_id',
    ),
  ]);
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
  return roots;
}

/** `GET /api/categories/tree` */
export function treeRoute(db: Database): Route {
  return defineRoute({
    method: 'get',
    path: '/api/categories/tree',
    operationId: 'getCategoryTree',
    tag: 'categories',
    summary: 'The whole tree of categories',
    description: 'The roots, nested by `children`; `total_product_count` counts the products of a subtree.',
    replies: { 200: { description: 'The roots of the tree.', schema: z.array(categoryNode) } },
    problems: [],
    handler: async () => ({ status: 200, body: await readTree(db) }),
  });
}
