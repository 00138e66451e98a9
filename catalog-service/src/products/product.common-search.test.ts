import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { queryTerms } from '@shop/db/search/terms.ts';
import { planBounds } from '@shop/resources/list/search-plan.ts';
import { walkBounds } from '@shop/resources/list/search-walk.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { generate } from '@shop/tools/generate/generate.ts';
import { catalogService } from '../app.ts';
import { rowsRead, whileLaneIsTaken } from './testing.ts';

interface Product {
  id: number;
  terms: string;
  price: number;
  status: string;
  product_name: string;
  category_id: number;
  tags: number[];
}

let database: TestDatabase;
let service: TestService;
let products: Product[];
/** A category and a tag with many products. */
let category: number;
let tag: number;

// More products than a table may have in which every search is fast.
beforeAll(async () => {
  database = await createTestDatabase();
  await generate(database.owner, { products: 6_000, seed: 1 });
  service = await startTestService(catalogService, { database, expensiveMax: 1 });
  products = await select<Product>(
    database.db,
    `SELECT product.id, terms, price, status, product_name, category_id
     FROM product JOIN product_search ON product_search.id = product.id ORDER BY product.id`,
  );
  const links = await select<{ product_id: number; tag_id: number }>(database.db, 'SELECT * FROM product_tag');
  for (const product of products) product.tags = [];
  const byId = new Map(products.map((product) => [product.id, product]));
  for (const { product_id, tag_id } of links) byId.get(product_id)?.tags.push(tag_id);
  tag = links[0]?.tag_id ?? 0;
  category = Number(
    [...Map.groupBy(products, ({ category_id }) => category_id)].toSorted(
      ([, a], [, b]) => b.length - a.length,
    )[0]?.[0],
  );
}, 60_000);
afterAll(async () => {
  await service.stop();
  await database.drop();
});

// What a table of very many rows does with its usual bounds: common words are not ranked, and a page that does not fill ends early.
beforeEach(() => {
  planBounds.mostCost = 3_000;
  Object.assign(walkBounds, {
    byId: { firstStep: 400, most: 1_500 },
    byIndex: { firstStep: 200, most: 800 },
    time: Number.POSITIVE_INFINITY,
  });
});

/** The products that a search has to find, in the order of ids. */
const wanted = (q: string, isLeft: (product: Product) => boolean = () => true) =>
  products.filter(
    (product) =>
      isLeft(product) &&
      queryTerms(q).every(({ term, prefix }) => product.terms.includes(prefix ? ` ${term}` : ` ${term} `)),
  );
const idsOf = (found: Product[]) => found.map(({ id }) => id);
const ascending = (ids: number[]) => ids.toSorted((a, b) => a - b);

const pageOf = async (path: string) => {
  const { status, body, headers, text } = await service.get(path);
  if (status !== 200) throw new Error(text);
  const linked = (rel: string) => new RegExp(`<([^>]*)>; rel="${rel}"`).exec(headers.get('link') ?? '')?.[1];
  return { ids: (body as { id: number }[]).map(({ id }) => id), next: linked('next'), prev: linked('prev'), headers };
};
/** All pages of a list from its first one on, or from its last one back. */
async function walk(first: string, rel: 'next' | 'prev' = 'next') {
  const pages: (Awaited<ReturnType<typeof pageOf>> & { path: string })[] = [];
  for (let path: string | undefined = first; path !== undefined; ) {
    const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(path);
    pages.push({ ...page, path });
    path = page[rel];
  }
  return { ids: pages.flatMap(({ ids }) => ids), pages, last: pages.at(-1)?.path ?? first };
}
const listOf = (q: string, rest = '') => `/api/products?${new URLSearchParams({ q })}&_embed=&_fields=id${rest}`;

/** The first row on a page or on those behind it. */
async function firstOf(path: string): Promise<number | undefined> {
  const { ids, next } = await pageOf(path);
  return ids.length > 0 || !next ? ids[0] : firstOf(next);
}

/** Walks a list to its end and back: each product is there once, in this order. */
async function expectWalk(path: string, ids: number[]): Promise<void> {
  const there = await walk(path);
  expect(there.ids).toEqual(ids);
  const back = await walk(there.last, 'prev');
  expect(back.pages.toReversed().flatMap((page) => page.ids)).toEqual(ids);
  // From a page that was reached backwards, the way forward is the same, though it has ended early without a row.
  const [empty, full] = [
    back.pages.find((page) => page.ids.length === 0),
    back.pages.find((page) => page.ids.length > 0),
  ];
  if (empty?.next) expect(await firstOf(empty.next)).toBe(back.pages[back.pages.indexOf(empty) - 1]?.ids[0]);
  if (full?.next) expect(await firstOf(full.next)).toBe(ids[ids.indexOf(full.ids.at(-1) as number) + 1]);
}

describe('a search of words that very many products have', () => {
  test.each(['the', 't', 'for', 'the of', 'for most', 'a', 's', 'of the for a', 'made with', 'season customers'])(
    'When %j is walked through by Link, then each product with it is there once, in the order of ids',
    async (q) => {
      planBounds.mostCost = 0;
      await expectWalk(listOf(q, '&_limit=150'), idsOf(wanted(q)));
    },
  );

  const byPrice = (a: Product, b: Product) => a.price - b.price || a.id - b.id;
  const byId = (a: Product, b: Product) => a.id - b.id;
  const lists: [rest: string, isLeft: (product: Product) => boolean, order: (a: Product, b: Product) => number][] = [
    ['_sort=price', () => true, byPrice],
    ['_sort=price&_order=desc', () => true, (a, b) => byPrice(b, a)],
    ['_sort=id&_order=desc', () => true, (a, b) => b.id - a.id],
    ['_sort=price&price_gte=100&price_lte=400', ({ price }) => price >= 100 && price <= 400, byPrice],
    ['_sort=price&status=draft', ({ status }) => status === 'draft', byPrice],
    ['status=draft', ({ status }) => status === 'draft', byId],
    ['status=draft&price_gte=100', ({ status, price }) => status === 'draft' && price >= 100, byId],
    ['price_gte=1000', ({ price }) => price >= 1000, byId],
    ['id_gte=3000', ({ id }) => id >= 3000, byId],
    ['category_id=CATEGORY', ({ category_id }) => category_id === category, byId],
    [
      'category_id=CATEGORY&status=active&_sort=price',
      (each) => each.category_id === category && each.status === 'active',
      byPrice,
    ],
    ['category_id=CATEGORY&price_lte=50', ({ category_id, price }) => category_id === category && price <= 50, byId],
    ['tag_id=TAG', ({ tags }) => tags.includes(tag), byId],
    ['tag_id=TAG&status=active', ({ tags, status }) => tags.includes(tag) && status === 'active', byId],
    ['tag_id=TAG&_sort=price', ({ tags }) => tags.includes(tag), byPrice],
    ['category_id=CATEGORY&_sort=price', ({ category_id }) => category_id === category, byPrice],
  ];
  test.each(lists)(
    'When it is narrowed or sorted by %s, then each product is there once, in order',
    async (rest, isLeft, order) => {
      planBounds.mostCost = 0;
      for (const q of ['the', 'season customers', 'small series']) {
        const found = wanted(q, isLeft);
        const path = listOf(q, `&${rest.replace('CATEGORY', String(category)).replace('TAG', String(tag))}&_limit=100`);
        await expectWalk(path, idsOf(found.toSorted(order)));
      }
    },
  );

  test('When a page ends before it is full, then it has read no more rows than a page may, and Link leads on', async () => {
    planBounds.mostCost = 0;
    // So few of the table's rows that its server reads them in the index, and does not sort all of them.
    walkBounds.byIndex = { firstStep: 20, most: 60 };
    for (const rest of ['', '&_sort=price', '&status=draft', '&price_gte=1000']) {
      const path = listOf('season customers', rest);
      await pageOf(path);
      const before = await rowsRead(service);
      const { ids, next } = await pageOf(path);
      const read = (await rowsRead(service)) - before;

      expect([ids, next === undefined]).toEqual([[], false]);
      expect([rest, read > 60, read < 3_000 ? '' : read]).toEqual([rest, true, '']);
    }
  });

  test('When a page has no time for more than its first step, then those behind it have the rest', async () => {
    planBounds.mostCost = 0;
    walkBounds.time = 0;

    await expectWalk(listOf('the', '&_limit=150'), idsOf(wanted('the')));
    await expectWalk(listOf('small series', '&_sort=price'), idsOf(wanted('small series').toSorted(byPrice)));
  });

  test('When it is counted or paged by offset, then it is all of what the search and the filters leave', async () => {
    const found = wanted('the');
    const drafts = wanted('the', ({ status }) => status === 'draft');
    const window = await pageOf(listOf('the', '&_start=100&_end=130'));
    expect(window.ids).toEqual(idsOf(found).slice(100, 130));
    expect(window.headers.get('x-total-count')).toBe(String(found.length));
    const counted = await pageOf(listOf('the', '&status=draft&_count=exact&_limit=1'));
    expect(counted.headers.get('x-total-count')).toBe(String(drafts.length));
    const never = await pageOf(listOf('season customers', '&_count=exact'));
    expect(never.headers.get('x-total-count')).toBe('0');
  });

  test('When facets are counted for it, then their total is the number of products', async () => {
    const { body } = await service.get('/api/products/facets?q=the');

    expect(body.total).toBe(wanted('the').length);
  });

  test('When the lane for expensive lists is full, then what looks at all rows is 503 that says why, and pages are answered', async () => {
    const bounded = [
      '',
      '&_sort=price',
      '&status=draft&_sort=price',
      '&_sort=created_at&_order=desc',
      '&description_like=x',
    ];
    const expensive = ['&_count=exact', '&_start=0&_end=5', '&_sort=version', '&_sort=price,stock'];
    await whileLaneIsTaken(service, async () => {
      for (const rest of bounded) expect((await service.get(listOf('the', rest))).status).toBe(200);
      for (const rest of expensive) {
        const { status, body } = await service.get(listOf('the', rest));
        expect([status, body.errors?.[0]]).toMatchObject([503, { parameter: 'q', code: 'expensive' }]);
      }
      const costly = await service.get(listOf('season customers', '&_count=exact'));
      expect([costly.status, costly.body.errors?.[0].parameter]).toEqual([503, 'q']);
    });
  });
});

describe('a search of words that few products have', () => {
  test('When a rare word comes with common ones, then every product that has them all is found, by relevance', async () => {
    const rare = products[3_000];
    const words = `the ${rare?.product_name}`;
    const { ids } = await walk(listOf(words, '&_limit=2'));

    expect(ascending(ids)).toEqual(idsOf(wanted(words)));
    const [first] = (await pageOf(listOf(rare?.product_name ?? ''))).ids;
    expect(products.find(({ id }) => id === first)?.product_name).toBe(rare?.product_name);
  });

  test('When many words are searched, then all of them must be there', async () => {
    const words = products[77]?.terms.match(/w_[a-z0-9]+/g)?.map((term) => term.slice(2)) ?? [];
    const q = words.slice(0, 20).join(' ');

    expect((await walk(listOf(q))).ids).toContain(products[77]?.id);
    expect((await walk(listOf(`${q} nowhere`))).ids).toEqual([]);
  });

  test('When it is sorted by what no index has, counted, or paged by offset, then it is answered beside a full lane', async () => {
    const [brand = ''] = products[3_000]?.product_name.split(' ') ?? [];
    const q = `${brand} the`;
    planBounds.mostCost = 20_000;
    await whileLaneIsTaken(service, async () => {
      const page = await pageOf(listOf(q, '&_sort=version,price&_order=desc,asc&_start=0&_end=250'));
      expect(ascending(page.ids)).toEqual(idsOf(wanted(q)));
      expect(page.headers.get('x-total-count')).toBe(String(wanted(q).length));
    });
  });

  test('When its words become common while it is paged, then the list stays in the order of relevance to its end', async () => {
    planBounds.mostCost = 1_000_000;
    const first = await pageOf(listOf('walnut', '&_limit=10'));
    const ranked = (await walk(listOf('walnut', '&_limit=10'))).ids;
    expect(ascending(ranked)).toEqual(idsOf(wanted('walnut')));

    planBounds.mostCost = 0;

    expect((await walk(first.next ?? '')).ids).toEqual(ranked.slice(10));
  });
});
