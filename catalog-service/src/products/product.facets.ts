import { productStatus } from '@shop/catalogue/product.ts';
import { type Database, padded, placeholders, select, type Transaction } from '@shop/db/connection/connection.ts';
import { inSnapshot } from '@shop/db/connection/snapshot.ts';
import { Binder } from '@shop/resources/list/binder.ts';
import { inLane } from '@shop/resources/list/cost.ts';
import { filterQuery, filterRequest } from '@shop/resources/list/query.ts';
import type { ListRequest } from '@shop/resources/list/request.ts';
import { planned } from '@shop/resources/list/search-plan.ts';
import { whereSql } from '@shop/resources/list/sql.ts';
import { defineRoute, type Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import { productList } from './product.list.ts';

/** How many categories and tags are listed, those with the most products first. */
const mostValues = 250;

/** Where the price bands begin; each ends a cent before the next. */
const bandStarts = [0, 10, 25, 50, 100, 250, 500, 1000];

const bands = bandStarts.map((from, index) => {
  const next = bandStarts[index + 1];
  return { from, to: next === undefined ? null : (next * 100 - 1) / 100 };
});

const count = z.int().min(0).meta({ description: 'How many products it would leave.', example: 12 });

const facets = z
  .object({
    total: z.int().min(0).meta({ description: 'How many products all filters leave.' }),
    category: z
      .array(z.object({ id: z.int().nullable(), category_name: z.string().nullable(), count }))
      .meta({ description: 'By category, null for none; without regard to the category filters.' }),
    tag: z
      .array(z.object({ id: z.int(), tag_name: z.string(), count }))
      .meta({ description: 'By tag; without regard to the tag filters.' }),
    status: z
      .array(z.object({ value: productStatus, count }))
      .meta({ description: 'By status; without regard to the status filters.' }),
    price: z
      .object({
        min: z.number().nullable(),
        max: z.number().nullable(),
        bands: z.array(z.object({ from: z.number(), to: z.number().nullable(), count })),
      })
      .meta({
        description: 'The range, and by bands for `price_gte` and `price_lte`; without regard to the price filters.',
      }),
  })
  .meta({ id: 'ProductFacets' });

type Facets = z.output<typeof facets>;

/** A request without the filters on some of its fields and without some of its parameters. */
const without = (request: ListRequest, fields: string[], parameters: string[] = []): ListRequest => ({
  ...request,
  filters: request.filters.filter(({ field }) => !fields.includes(field)),
  parameters: Object.fromEntries(Object.entries(request.parameters).filter(([name]) => !parameters.includes(name))),
});

/** What counts are broken down by, and the columns of `product` that this takes grouping by. */
const breakdowns = { total: [], category: ['category_id'], status: ['status'], price: [] } as const;
type Breakdown = keyof typeof breakdowns;

/** Products that are alike in what they were grouped by. */
interface Group {
  category_id?: number | null;
  status?: z.output<typeof productStatus>;
  count: number;
  min?: number | null;
  max?: number | null;
  [band: `band_${number}`]: number;
}

const priceColumns = [
  'MIN(product.price) AS min',
  'MAX(product.price) AS max',
  ...bands.map(({ from, to }, index) => {
    const upTo = to === null ? '' : ` AND product.price <= ${to}`;
    return `SUM(product.price >= ${from}${upTo}) AS band_${index}`;
  }),
];

/** The products that a request leaves, in groups: one statement, however many breakdowns are made of them. */
function readGroups(db: Database, request: ListRequest, names: Breakdown[], snapshot: Transaction): Promise<Group[]> {
  const bind = new Binder();
  const where = whereSql(productList, request, bind);
  const columns = names.flatMap((name) => breakdowns[name].map((column) => `product.${column}`));
  const counted = [...columns, 'COUNT(*) AS count', ...(names.includes('price') ? priceColumns : [])];
  const grouped = columns.length > 0 ? `GROUP BY ${columns.join(', ')}` : '';
  return select<Group>(
    db,
    `SELECT ${counted.join(', ')} FROM product WHERE ${where} ${grouped}`,
    bind.values,
    snapshot,
  );
}

/** Whether products are narrowed by their category and nothing else. */
const isByCategory = ({ filters, parameters, search }: ListRequest): boolean =>
  filters.every(({ field }) => field === 'category_id') &&
  Object.entries(parameters).every(([name, value]) => name === '_descendants' || value === undefined) &&
  search === undefined;

/** How many of the products that a request leaves have each tag. */
function readTags(db: Database, request: ListRequest, snapshot: Transaction): Promise<Facets['tag']> {
  const bind = new Binder();
  const where = whereSql(productList, request, bind);
  // In the order of ids, which the other index of the category does not have, links are found where the last ones were.
  const hint = isByCategory(request) ? 'IGNORE INDEX (product_facets)' : '';
  // Where all products are counted, their links need not be looked up one by one.
  const products = where === 'TRUE' ? '' : `JOIN product ${hint} ON product.id = product_tag.product_id WHERE ${where}`;
  return select(
    db,
    `SELECT counted.id, tag.tag_name, counted.count
     FROM (SELECT product_tag.tag_id AS id, COUNT(*) AS count FROM product_tag ${products} GROUP BY product_tag.tag_id) AS counted
     JOIN tag ON tag.id = counted.id
     ORDER BY counted.count DESC, counted.id LIMIT ${mostValues}`,
    bind.values,
    snapshot,
  );
}

/** How many products there are for each value of `key`. */
function countBy<Key extends 'category_id' | 'status'>(groups: Group[], key: Key): Map<Group[Key], number> {
  const counts = new Map<Group[Key], number>();
  for (const group of groups) counts.set(group[key], (counts.get(group[key]) ?? 0) + group.count);
  return counts;
}

/** The categories that have the most products, with their names. */
async function topCategories(db: Database, groups: Group[], snapshot: Transaction): Promise<Facets['category']> {
  const top = [...countBy(groups, 'category_id')]
    .map(([id = null, count]) => ({ id, count }))
    .toSorted((a, b) => b.count - a.count || Number(a.id) - Number(b.id))
    .slice(0, mostValues);
  const ids = padded(top.flatMap(({ id }) => (id === null ? [] : [id])));
  const rows =
    ids.length === 0
      ? []
      : await select<{ id: number; category_name: string }>(
          db,
          `SELECT id, category_name FROM category WHERE id IN (${placeholders(ids.length)})`,
          ids,
          snapshot,
        );
  const nameOf = new Map(rows.map((row) => [row.id, row.category_name]));
  return top.map(({ id, count }) => ({ id, category_name: id === null ? null : (nameOf.get(id) ?? null), count }));
}

/**
 * Counts what a request leaves, in one state of the database; each facet leaves its own filter aside. One statement for the tags, and one for all the
 * other facets whose filters are the same then.
 */
async function readFacets(db: Database, request: ListRequest, snapshot: Transaction): Promise<Facets> {
  const narrowed: Record<Breakdown, ListRequest> = {
    total: request,
    category: without(request, ['category_id'], ['_descendants']),
    status: without(request, ['status']),
    price: without(request, ['price']),
  };
  const alike = Object.groupBy(Object.keys(breakdowns) as Breakdown[], (name) => JSON.stringify(narrowed[name]));
  const [tag, ...answers] = await Promise.all([
    readTags(db, without(request, [], ['tag_id', 'tag_id_all']), snapshot),
    ...Object.values(alike).map(async (names = []) => {
      const groups = await readGroups(db, narrowed[names[0] as Breakdown], names, snapshot);
      return names.map((name) => [name, groups] as const);
    }),
  ]);
  const groups = Object.fromEntries(answers.flat()) as Record<Breakdown, Group[]>;
  const countOf = countBy(groups.status, 'status');
  const priced = groups.price.filter(({ count }) => count > 0);
  const range = (of: 'min' | 'max') =>
    priced.length === 0 ? null : Math[of](...priced.map((group) => Number(group[of])));
  return {
    total: groups.total.reduce((sum, group) => sum + group.count, 0),
    category: await topCategories(db, groups.category, snapshot),
    tag,
    status: productStatus.options.map((value) => ({ value, count: countOf.get(value) ?? 0 })),
    price: {
      min: range('min'),
      max: range('max'),
      bands: bands.map((band, index) => ({
        ...band,
        count: priced.reduce((sum, group) => sum + (group[`band_${index}`] ?? 0), 0),
      })),
    },
  };
}

const cost = {
  code: 'expensive',
  detail: 'counts every product that the filters leave: narrow them, by category or tag for example',
};

/** `GET /api/products/facets` */
export function facetsRoute(db: Database): Route {
  return defineRoute({
    method: 'get',
    path: '/api/products/facets',
    operationId: 'getProductFacets',
    tag: 'products',
    summary: 'Count products by category, tag, status and price',
    description:
      'Takes the filters of the list. Each facet counts without regard to its own filter, so that it shows what else could ' +
      `be chosen. At most ${mostValues} categories and tags, those with the most products first.`,
    query: filterQuery(productList),
    replies: { 200: { description: 'The counts.', schema: facets } },
    problems: [],
    handler: async ({ query }) => {
      const asked = filterRequest(productList, query);
      const request = await planned(db, productList, (await productList.prepare?.(db, asked)) ?? asked);
      const read = () => inSnapshot(db, (snapshot) => readFacets(db, request, snapshot));
      return { status: 200, body: await inLane(db, [cost], read) };
    },
  });
}
