import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { queryTerms } from '@shop/db/search/terms.ts';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { generate } from '@shop/tools/generate/generate.ts';
import { catalogService } from '../app.ts';

let database: TestDatabase;
let service: TestService;
let products: { id: number; terms: string; price: number; status: string; name: string }[];

// More products than a table may have in which every search is fast.
beforeAll(async () => {
  database = await createTestDatabase();
  await generate(database.owner, { products: 6_000, seed: 1 });
  service = await startTestService(catalogService, { database });
  products = await select(
    database.db,
    `SELECT product.id, terms, price, status, product_name AS name
     FROM product JOIN product_search ON product_search.id = product.id ORDER BY product.id`,
  );
}, 60_000);
afterAll(async () => {
  await service.stop();
  await database.drop();
});

/** The ids of the products that a search has to find, in their order. */
const wanted = (q: string) =>
  products
    .filter(({ terms }) => queryTerms(q).every(({ term, prefix }) => terms.includes(prefix ? ` ${term}` : ` ${term} `)))
    .map(({ id }) => id);

const pageOf = async (path: string) => {
  const { status, body, headers, text } = await service.get(path);
  if (status !== 200) throw new Error(text);
  const linked = (rel: string) => new RegExp(`<([^>]*)>; rel="${rel}"`).exec(headers.get('link') ?? '')?.[1];
  return { ids: (body as { id: number }[]).map(({ id }) => id), next: linked('next'), prev: linked('prev'), headers };
};
/** All pages of a list from its first one on, or from its last one back. */
async function walk(first: string, rel: 'next' | 'prev' = 'next') {
  const pages: number[][] = [];
  let last = first;
  for (let path: string | undefined = first; path !== undefined; ) {
    last = path;
    const page: Awaited<ReturnType<typeof pageOf>> = await pageOf(path);
    pages.push(page.ids);
    path = page[rel];
  }
  return { ids: pages.flat(), pages, last };
}
const listOf = (q: string, rest = '') => `/api/products?${new URLSearchParams({ q })}&_embed=&_fields=id${rest}`;

describe('a search of words that very many products have', () => {
  test.each(['the', 't', 'for', 'the of', 'for most', 'a', 's', 'of the for a', 'made with'])(
    'When %j is walked through by Link, then each product with it is there once',
    async (q) => {
      const { ids, last, pages } = await walk(listOf(q, '&_limit=250'));

      expect(ids.toSorted((a, b) => a - b)).toEqual(wanted(q));
      const back = await walk(last, 'prev');
      expect(back.pages.toReversed()).toEqual(pages);
    },
  );

  test('When they are in too many to rank them, then these are in the order of ids', async () => {
    const { ids } = await walk(listOf('the', '&_limit=250'));

    expect(ids).toEqual(wanted('the'));
  });

  test('When words never meet, then nothing is found', async () => {
    const q = 'season customers small series';

    expect((await walk(listOf(q))).ids).toEqual(wanted(q));
  });

  test('When it is narrowed, sorted or counted, then it is all of what the search and the filters leave', async () => {
    const found = new Set(wanted('the'));
    const drafts = products.filter(({ id, status }) => status === 'draft' && found.has(id));

    expect((await walk(listOf('the', '&status=draft'))).ids).toEqual(drafts.map(({ id }) => id));
    const sorted = await walk(listOf('the', '&status=draft&_sort=price,id&_limit=250'));
    const byPrice = drafts.toSorted((a, b) => a.price - b.price || a.id - b.id);
    expect(sorted.ids).toEqual(byPrice.map(({ id }) => id));
    const window = await pageOf(listOf('the', '&_start=100&_end=130'));
    expect(window.ids).toEqual(wanted('the').slice(100, 130));
    expect(window.headers.get('x-total-count')).toBe(String(found.size));
    const counted = await pageOf(listOf('the', '&status=draft&_count=exact&_limit=1'));
    expect(counted.headers.get('x-total-count')).toBe(String(drafts.length));
  });

  test('When facets are counted for it, then their total is the number of products', async () => {
    const { body } = await service.get('/api/products/facets?q=the');

    expect(body.total).toBe(wanted('the').length);
  });
});

describe('a search of words that few products have', () => {
  test('When a rare word comes with common ones, then every product that has them all is found, by relevance', async () => {
    const rare = products[3_000];
    const words = `the ${rare?.name}`;
    const { ids } = await walk(listOf(words, '&_limit=2'));

    expect(ids.toSorted((a, b) => a - b)).toEqual(wanted(words));
    const [first] = (await pageOf(listOf(rare?.name ?? ''))).ids;
    expect(products.find(({ id }) => id === first)?.name).toBe(rare?.name);
  });

  test('When many words are searched, then all of them must be there', async () => {
    const words = products[77]?.terms.match(/w_[a-z0-9]+/g)?.map((term) => term.slice(2)) ?? [];
    const q = words.slice(0, 20).join(' ');

    expect((await walk(listOf(q))).ids).toContain(products[77]?.id);
    expect((await walk(listOf(`${q} nowhere`))).ids).toEqual([]);
  });
});
