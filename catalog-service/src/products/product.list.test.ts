import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import fc from 'fast-check';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

/** A product as the tests know it: what they created, and what the service added. */
interface Row {
  id: number;
  product_name: string;
  sku: string | null;
  status: string;
  price: number;
  stock: number;
  category_id: number | null;
  tags: { id: number }[];
  created_at: string;
  version: number;
}

let service: TestService;
let rows: Row[];
let tags: number[];
/** A tree: the second is in the first, the third in the second; the fourth stands alone. */
let categories: number[];

beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  tags = [await make.tag(), await make.tag(), await make.tag()];
  categories = [];
  for (let index = 0; index < 4; index++) categories.push((await make.category()).id);
  const [top, middle, bottom] = categories;
  await service.put(`/api/categories/${middle}`, { parent_id: top });
  await service.put(`/api/categories/${bottom}`, { parent_id: middle });
  const names = ['red shirt', 'blue shirt', 'red hat', 'plain 100% wool hat', 'shirt_dress'];
  rows = [];
  for (let index = 0; index < 60; index++) {
    const product = await make.product({
      product_name: names[index % names.length],
      sku: index % 3 === 0 ? null : `sku-${index}`,
      status: ['active', 'active', 'draft', 'archived'][index % 4],
      price: [9.99, 10, 19.5, 0, 250.01][(index * 7) % 5],
      stock: (index * 13) % 6,
      category_id: [...categories, null][(index * 3) % 5],
      tagIds: tags.filter((_, bit) => (index >> bit) & 1),
    });
    rows.push(product);
  }
});
afterAll(() => service.stop());

const idsOf = (found: { id: number }[]) => found.map(({ id }) => id);

async function list(query: string) {
  const { status, body, headers, text } = await service.get(`/api/products?${query}`);
  if (status !== 200) throw new Error(text);
  return { body: body as Row[], headers };
}

/** The path behind a relation of a `Link` header. */
const linkOf = (headers: Headers, rel: string): string | undefined =>
  new RegExp(`<([^>]*)>; rel="${rel}"`).exec(headers.get('link') ?? '')?.[1];

/** Follows `next` from a first page to the end, and `prev` back again. */
async function walk(query: string): Promise<{ there: number[]; back: number[] }> {
  const there: number[] = [];
  const pages: Row[][] = [];
  let path: string | undefined = `/api/products?${query}`;
  let last: string | undefined;
  while (path) {
    const { body, headers } = await service.get(path);
    pages.push(body);
    there.push(...idsOf(body));
    last = path;
    path = linkOf(headers, 'next');
  }
  const back: number[] = [];
  path = last;
  while (path) {
    const { body, headers } = await service.get(path);
    back.unshift(...idsOf(body));
    path = linkOf(headers, 'prev');
  }
  return { there, back };
}

describe('filters and sorts', () => {
  type Test = { query: [string, string]; keep: (row: Row) => boolean };
  const number = (field: 'price' | 'stock', value: number): fc.Arbitrary<Test> =>
    fc.constantFrom<Test>(
      { query: [field, String(value)], keep: (row) => row[field] === value },
      { query: [`${field}_ne`, String(value)], keep: (row) => row[field] !== value },
      { query: [`${field}_gte`, String(value)], keep: (row) => row[field] >= value },
      { query: [`${field}_lte`, String(value)], keep: (row) => row[field] <= value },
    );
  const filter: fc.Arbitrary<Test> = fc.oneof(
    fc.constantFrom(0, 9.99, 10, 100).chain((value) => number('price', value)),
    fc.integer({ min: 0, max: 6 }).chain((value) => number('stock', value)),
    fc.constantFrom('draft', 'active', 'archived').map((status) => ({
      query: ['status', status] as [string, string],
      keep: (row: Row) => row.status === status,
    })),
    fc.constantFrom<Test>(
      { query: ['sku', 'null'], keep: (row) => row.sku === null },
      { query: ['sku_ne', 'null'], keep: (row) => row.sku !== null },
      { query: ['sku_ne', 'sku-1'], keep: (row) => row.sku !== 'sku-1' },
      { query: ['sku_like', 'KU-1'], keep: (row) => row.sku?.includes('ku-1') ?? false },
      { query: ['category_id', 'null'], keep: (row) => row.category_id === null },
      { query: ['product_name_like', 'Shirt'], keep: (row) => row.product_name.includes('shirt') },
      { query: ['product_name_like', '0%'], keep: (row) => row.product_name.includes('0%') },
      { query: ['product_name_like', 't_d'], keep: (row) => row.product_name.includes('t_d') },
      { query: ['product_name_like', '%'], keep: (row) => row.product_name.includes('%') },
      { query: ['id_like', '2'], keep: (row) => String(row.id).includes('2') },
      { query: ['created_at_gte', '2020-01-01'], keep: () => true },
      { query: ['created_at_lte', '2020-01-01T00:00:00+02:00'], keep: () => false },
      // Beyond the years that SQL has, once they are in UTC.
      { query: ['created_at', '9999-12-31T23:59:59-12:00'], keep: () => false },
      { query: ['created_at_gte', '9999-12-31T23:59:59-14:00'], keep: () => false },
      { query: ['created_at_lte', '9999-12-31T23:59:59-14:00'], keep: () => true },
      { query: ['created_at_ne', '0000-01-01T00:00:00+14:00'], keep: () => true },
      { query: ['created_at_lte', '0000-01-01T00:00:00+14:00'], keep: () => false },
    ),
  );
  const sortable = ['id', 'product_name', 'sku', 'status', 'price', 'stock', 'category_id'] as const;
  const sort = fc.uniqueArray(
    fc.record({ field: fc.constantFrom(...sortable), order: fc.constantFrom('asc', 'desc') }),
    {
      maxLength: 3,
      selector: ({ field }) => field,
    },
  );

  /** What the list must be, by the rules of the contract alone. */
  function expected(filters: Test[], sorts: { field: (typeof sortable)[number]; order: string }[]): number[] {
    const kept = rows.filter((row) => filters.every(({ keep }) => keep(row)));
    const keys = [...sorts, { field: 'id' as const, order: sorts.at(-1)?.order ?? 'asc' }];
    const compare = (a: Row, b: Row) => {
      for (const { field, order } of keys) {
        const [x, y] = [a[field], b[field]];
        if (x === y) continue;
        const less = x === null || (y !== null && x < y);
        return less === (order === 'asc') ? -1 : 1;
      }
      return 0;
    };
    return idsOf(kept.toSorted(compare));
  }

  test('When any filters, sorts and page sizes are combined, then every page is what it must be, there and back', async () => {
    const pageSize = fc.constantFrom(1, 3, 7, 50);
    await fc.assert(
      fc.asyncProperty(fc.array(filter, { maxLength: 3 }), sort, pageSize, async (filters, sorts, size) => {
        // A parameter that is given twice means any of both; here each is given once.
        const unique = [...new Map(filters.map((one) => [one.query[0], one])).values()];
        const query = new URLSearchParams(unique.map((one) => one.query));
        if (sorts.length > 0) {
          query.set('_sort', sorts.map(({ field }) => field).join(','));
          query.set('_order', sorts.map(({ order }) => order).join(','));
        }
        query.set('_embed', '');
        const ids = expected(unique, sorts);

        const { there, back } = await walk(`${query}&_limit=${Math.max(size, Math.ceil(ids.length / 8))}`);
        const window = await list(`${query}&_start=2&_end=9`);

        expect(there).toEqual(ids);
        expect(back).toEqual(ids);
        expect(idsOf(window.body)).toEqual(ids.slice(2, 9));
        expect(window.headers.get('x-total-count')).toBe(String(ids.length));
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  test('When a parameter is repeated, then any of its values will do', async () => {
    const { body } = await list('status=draft&status=archived&_limit=250');

    expect(idsOf(body)).toEqual(idsOf(rows.filter(({ status }) => status !== 'active')));
  });

  test('When null is one of several values, then rows without a value are found, too', async () => {
    const { body } = await list(`category_id=null&category_id=${categories[3]}&_limit=250`);

    expect(idsOf(body)).toEqual(
      idsOf(rows.filter((row) => row.category_id === null || row.category_id === categories[3])),
    );
  });
});

describe('tags and categories', () => {
  const has = (row: Row, tag: number | undefined) => row.tags.some(({ id }) => id === tag);

  test('When tag_id is repeated, then products with any of the tags are found, each once', async () => {
    const { body } = await list(`tag_id=${tags[0]}&tag_id=${tags[1]}&_limit=250`);

    expect(idsOf(body)).toEqual(idsOf(rows.filter((row) => has(row, tags[0]) || has(row, tags[1]))));
  });

  test('When tag_id_all names several, then products with all of them are found', async () => {
    const { body } = await list(`tag_id_all=${tags[0]},${tags[2]}&_limit=250`);

    expect(idsOf(body)).toEqual(idsOf(rows.filter((row) => has(row, tags[0]) && has(row, tags[2]))));
  });

  test('When _descendants is true, then the products of the whole subtree are found', async () => {
    const below = categories.slice(0, 3);
    const { body } = await list(`category_id=${categories[0]}&_descendants=true&_limit=250`);
    const alone = await list(`category_id=${categories[0]}&_limit=250`);

    expect(idsOf(body)).toEqual(
      idsOf(rows.filter((row) => row.category_id !== null && below.includes(row.category_id))),
    );
    expect(idsOf(alone.body)).toEqual(idsOf(rows.filter((row) => row.category_id === categories[0])));
  });
});

describe('search', () => {
  const named = (...names: string[]) => idsOf(rows.filter((row) => names.includes(row.product_name)));

  test.each([
    ['red', ['red shirt', 'red hat']],
    ['red shirt', ['red shirt']],
    ['SHIRT red', ['red shirt']],
    ['red sh', ['red shirt']],
    ['wool', ['plain 100% wool hat']],
    ['+red -shirt', ['red shirt']],
    ['"red" (hat) *~<>@', ['red hat']],
    ['ha', ['red hat', 'plain 100% wool hat']],
    ['nothing', []],
    ['%', []],
  ])('When %j is searched, then the products whose words it names are found', async (q, names) => {
    const { body } = await list(`${new URLSearchParams({ q })}&_limit=250&_sort=id`);

    expect(idsOf(body)).toEqual(named(...names));
  });

  test('When a search is walked through in the order of relevance, then no product is repeated or left out', async () => {
    const { there, back } = await walk('q=shirt&_limit=5&_embed=');

    expect(there.toSorted((a, b) => a - b)).toEqual(named('red shirt', 'blue shirt', 'shirt_dress'));
    expect(back).toEqual(there);
  });
});

describe('embeds and fields', () => {
  test('When _embed names one association, then the other is missing', async () => {
    const { body } = await list('_embed=tags&_limit=1');

    expect(body[0]).toHaveProperty('tags');
    expect(body[0]).not.toHaveProperty('category');
  });

  test('When _embed is empty, then there are no associations', async () => {
    const { body } = await list('_embed=&_limit=1');

    expect(Object.keys(body[0] ?? {})).not.toEqual(expect.arrayContaining(['tags']));
    expect(body[0]).not.toHaveProperty('category');
  });

  test('When _fields names some, then there are no others, in a list and of one product', async () => {
    const { body } = await list('_fields=id,price,category&_limit=1');
    const one = await service.get(`/api/products/${rows[0]?.id}?_fields=sku`);

    expect(Object.keys(body[0] ?? {})).toEqual(['id', 'price', 'category']);
    expect(one.body).toEqual({ sku: rows[0]?.sku });
  });
});

describe('pages by number', () => {
  test('When a page is asked for by number, then it is that one, with the count and links by offset', async () => {
    const { body, headers } = await list('_page=2&_limit=20');

    expect(idsOf(body)).toEqual(idsOf(rows.slice(20, 40)));
    expect(headers.get('x-total-count')).toBe('60');
    expect(linkOf(headers, 'prev')).toBe('/api/products?_start=0&_end=20');
    expect(linkOf(headers, 'next')).toBe('/api/products?_start=40&_end=60');
  });

  test('When the count is asked for with a cursor, then it is sent', async () => {
    expect((await list('_limit=1&_count=exact&status=draft')).headers.get('x-total-count')).toBe('15');
    expect((await list('_limit=1')).headers.get('x-total-count')).toBeNull();
  });
});

describe('bad parameters', () => {
  test.each([
    ['colour=red', 'colour', 'unknown_parameter'],
    ['metadata=1', 'metadata', 'unknown_parameter'],
    ['price=cheap', 'price', 'invalid_value'],
    ['price=null', 'price', 'invalid_value'],
    ['stock=1.5', 'stock', 'invalid_value'],
    ['status=gone', 'status', 'invalid_value'],
    ['created_at_gte=yesterday', 'created_at_gte', 'invalid_value'],
    ['created_at=2026-02-31', 'created_at', 'invalid_value'],
    ['id_gte=1&id_gte=2', 'id_gte', 'invalid_value'],
    ['_sort=colour', '_sort', 'invalid_value'],
    ['_sort=price,price', '_sort', 'invalid_value'],
    ['_sort=price&_order=up', '_order', 'invalid_format'],
    ['_order=asc', '_order', 'invalid_value'],
    ['_embed=brand', '_embed', 'invalid_value'],
    ['_fields=', '_fields', 'invalid_value'],
    ['_fields=brand', '_fields', 'invalid_value'],
    ['_limit=251', '_limit', 'out_of_range'],
    ['_start=0&_end=1001', '_end', 'out_of_range'],
    ['_start=9&_end=2', '_end', 'invalid_value'],
    ['_page=0', '_page', 'out_of_range'],
    ['_page=1&_start=1', '_page', 'invalid_value'],
    ['_count=rough', '_count', 'invalid_value'],
    ['tag_id=x', 'tag_id', 'invalid_value'],
    ['tag_id_all=1,', 'tag_id_all', 'invalid_value'],
    ['_descendants=maybe', '_descendants', 'invalid_value'],
    ['_cursor=abc', '_cursor', 'invalid_cursor'],
  ])('When the query is %s, then it is 400 and names %s', async (query, parameter, code) => {
    const { status, body } = await service.get(`/api/products?${query}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter, code }]);
  });

  test('When several are bad, then each is named', async () => {
    const { body } = await service.get('/api/products?colour=red&price=x&_sort=y');

    expect(body.errors.map(({ parameter }: { parameter: string }) => parameter).toSorted()).toEqual([
      '_sort',
      'colour',
      'price',
    ]);
  });

  test.each([
    ['another filter', (cursor: string) => `status=draft&_limit=2&_cursor=${cursor}`],
    ['another sort', (cursor: string) => `_sort=price&_limit=2&_cursor=${cursor}`],
    [
      'a letter changed',
      (cursor: string) => `_limit=2&_cursor=${cursor.slice(0, -1)}${cursor.endsWith('A') ? 'B' : 'A'}`,
    ],
    [
      'another row',
      (cursor: string) =>
        `_limit=2&_cursor=${cursor.slice(0, 16)}${Buffer.from('["after",[1]]').toString('base64url')}`,
    ],
    ['an offset', (cursor: string) => `_start=2&_cursor=${cursor}`],
  ])('When a cursor is used with %s, then it is 400', async (_what, query) => {
    const { headers } = await list('_limit=2');
    const cursor = new URL(linkOf(headers, 'next') ?? '', 'http://localhost').searchParams.get('_cursor') ?? '';

    const { status, body } = await service.get(`/api/products?${query(cursor)}`);

    expect(status).toBe(400);
    expect(body.errors[0].parameter).toBe('_cursor');
  });
});

test('When lists of 1 and of 50 are read with everything embedded, then both cost the same three statements', async () => {
  const statementsOf = async (query: string) => {
    service.statements.length = 0;
    await list(`category_id_ne=null&tag_id=${tags[0]}&${query}`);
    return service.statements.length;
  };

  expect(await statementsOf('_limit=1')).toBe(3);
  expect(await statementsOf('_limit=50')).toBe(3);
  expect(await statementsOf('_limit=50&_embed=')).toBe(1);
  expect(await statementsOf('_start=0&_end=50')).toBe(4);
});

test('When many read the same list all the time, then who has created a product and then reads it sees that product', async () => {
  const path = '/api/products?_sort=id&_order=desc&_limit=1&_embed=';
  let over = false;
  const readers = Array.from({ length: 20 }, async () => {
    while (!over) await service.get(path);
  });

  const seen: boolean[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const { body: created } = await service.post('/api/products', { product_name: `seen ${turn}`, price: 1 });
    const { body } = await service.get(path);
    seen.push(body[0].id === created.id);
  }
  over = true;
  await Promise.all(readers);

  expect(seen).toEqual(Array.from({ length: 20 }, () => true));
});

test('When the parameters of a list are too long to be repeated in links, then it is 400', async () => {
  const { status, body } = await service.get(`/api/products?product_name_ne=short&slug_ne=${'%22'.repeat(2_000)}`);

  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ parameter: 'slug_ne', code: 'too_long', allowed: { maximum: 5_000 } }]);
});

test('When the parameters of a list are as long as they may be, then its pages lead on, and their heads stay short', async () => {
  const query = `_limit=20&_sort=product_name&slug_ne=${'x'.repeat(4_900)}`;
  const first = await service.get(`/api/products?${query}`);
  const next = /<([^>]*)>; rel="next"/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
  const second = await service.get(next);

  const link = second.headers.get('link') ?? '';
  expect([first.status, second.status]).toEqual([200, 200]);
  expect(link).toContain('rel="next"');
  expect(link.length).toBeLessThan(12_000);
  expect(second.body).toHaveLength(20);
});

test('When more than 200 characters are looked for, then it is 400', async () => {
  const { status, body } = await service.get(`/api/products?description_like=${'a'.repeat(201)}`);

  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ parameter: 'description_like', code: 'too_long', allowed: { maximum: 200 } }]);
});
