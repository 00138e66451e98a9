import { type Database, select } from '@shop/db/connection.ts';
import { Binder } from '@shop/resources/list/binder.ts';
import { filterQuery, filterRequest, type ListRequest } from '@shop/resources/list/query.ts';
import { whereSql } from '@shop/resources/list/sql.ts';
import { productStatus } from '@shop/resources/product.ts';
import { singleFlight } from '@shop/resources/single-flight.ts';
import { type AnyRoute, defineRoute } from '@shop/service-kit/route.ts';
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

/** Counts what a request leaves, by five questions at once; each facet leaves its own filter aside. */
async function readFacets(db: Database, asked: ListRequest): Promise<Facets> {
  const request = (await productList.prepare?.(db, asked)) ?? asked;
  const ask = <Row extends object>(of: ListRequest, statement: (where: string) => string): Promise<Row[]> => {
    const bind = new Binder();
    const where = whereSql(productList, of, bind);
    return select<Row>(db, statement(where), bind.values);
  };
  const [[total], category, tag, status, [price]] = await Promise.all([
    ask<{ count: number }>(request, (where) => `SELECT COUNT(*) AS count FROM product WHERE ${where}`),
    ask<Facets['category'][number]>(
      without(request, ['category_id'], ['_descendants']),
      (where) =>
        `SELECT counted.id, category.category_name, counted.count
         FROM (SELECT product.category_id AS id, COUNT(*) AS count FROM product WHERE ${where} GROUP BY product.category_id) AS counted
         LEFT JOIN category ON category.id = counted.id
         ORDER BY counted.count DESC, counted.id LIMIT ${mostValues}`,
    ),
    ask<Facets['tag'][number]>(
      without(request, [], ['tag_id', 'tag_id_all']),
      (where) =>
        `SELECT counted.id, tag.tag_name, counted.count
         FROM (SELECT product_tag.tag_id AS id, COUNT(*) AS count
               FROM product JOIN product_tag ON product_tag.product_id = product.id
               WHERE ${where} GROUP BY product_tag.tag_id) AS counted
         JOIN tag ON tag.id = counted.id
         ORDER BY counted.count DESC, counted.id LIMIT ${mostValues}`,
    ),
    ask<{ value: Facets['status'][number]['value']; count: number }>(
      without(request, ['status']),
      (where) =>
        `SELECT product.status AS value, COUNT(*) AS count FROM product WHERE ${where} GROUP BY product.status`,
    ),
    ask<Record<string, number | null>>(without(request, ['price']), (where) => {
      const sums = bands.map(({ from, to }, index) => {
        const upTo = to === null ? '' : ` AND product.price <= ${to}`;
        return `SUM(product.price >= ${from}${upTo}) AS band_${index}`;
      });
      return `SELECT MIN(product.price) AS min, MAX(product.price) AS max, ${sums.join(', ')} FROM product WHERE ${where}`;
    }),
  ]);
  const countOf = new Map(status.map((row) => [row.value, row.count]));
  return {
    total: total?.count ?? 0,
    category,
    tag,
    status: productStatus.options.map((value) => ({ value, count: countOf.get(value) ?? 0 })),
    price: {
      min: price?.min ?? null,
      max: price?.max ?? null,
      bands: bands.map((band, index) => ({ ...band, count: price?.[`band_${index}`] ?? 0 })),
    },
  };
}

/** `GET /api/products/facets` */
export function facetsRoute(db: Database): AnyRoute {
  const once = singleFlight<Facets>();
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
      const request = filterRequest(productList, query);
      return { status: 200, body: await once(JSON.stringify(request), () => readFacets(db, request)) };
    },
  });
}
