import { type BenchRequest, inTurn, type Script } from './load.ts';
import type { Contestants } from './processes.ts';

/** One question, and who is asked it, by the name under which the result stands. Who cannot answer it is not asked. */
export interface BenchCase {
  name: string;
  /** The status of a right answer. */
  expected: number;
  /** 8 when absent. */
  connections?: number;
  contenders: { name: string; contestant: keyof Contestants; script: Script }[];
}

const json = { 'content-type': 'application/json' };

/** A catalogue as it is asked about: the same products, category and tags for everybody. */
interface Catalogue {
  ids: number[];
  category: number;
  tags: number[];
}

interface Answer<Body> {
  body: Body;
  headers: Headers;
}

async function answer<Body>(url: string): Promise<Answer<Body>> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return { body: (await response.json()) as Body, headers: response.headers };
}

async function catalogueAt(gateway: string, products: number): Promise<Catalogue> {
  const popular = async (resource: string) => {
    const query = '_sort=product_count&_order=desc&_limit=2&_embed=&_fields=id';
    return (await answer<{ id: number }[]>(`${gateway}/api/${resource}?${query}`)).body.map(({ id }) => id);
  };
  const [categories, tags] = [await popular('categories'), await popular('tags')];
  // Behind the classic products, scattered over the whole table by a step that is prime.
  const ids = Array.from({ length: 400 }, (_, index) => 6 + ((index * 7_919) % products));
  return { ids, category: categories[0] ?? 1, tags };
}

/** The page of 50 behind `rows` rows, found by following `next` in the largest steps that there are. */
async function pageAt(gateway: string, rows: number): Promise<{ path: string; after: number }> {
  let path = '/api/products?_limit=250&_embed=&_fields=id';
  let after = 0;
  for (let seen = 0; seen < rows; ) {
    const { body, headers } = await answer<{ id: number }[]>(gateway + path);
    const next = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    if (!next) break;
    seen += body.length;
    after = body.at(-1)?.id ?? after;
    path = `/api/products${next}`;
  }
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1));
  query.delete('_embed');
  query.delete('_fields');
  query.set('_limit', '50');
  return { path: `/api/products?${query}`, after };
}

/** Searches for two words of the name of one product each. */
async function searchesAt(gateway: string): Promise<BenchRequest[]> {
  const { body } = await answer<{ product_name: string }[]>(
    `${gateway}/api/products?_limit=250&_embed=&_fields=product_name`,
  );
  const pairs = body
    .map(({ product_name }) => product_name.split(/[^A-Za-z]+/).filter((word) => word.length > 3))
    .filter((words) => words.length >= 2);
  return pairs.slice(-50).map(([first, second]) => ({
    path: `/api/products?${new URLSearchParams({ q: `${first} ${second}`, _limit: '20' })}`,
  }));
}

/** One question for all three. */
function forAll(name: string, requests: BenchRequest[], yardstick = requests): BenchCase {
  return {
    name,
    expected: 200,
    contenders: [
      { name: 'ours', contestant: 'ours', script: inTurn(requests) },
      { name: 'limit', contestant: 'limit', script: inTurn(yardstick) },
      { name: 'textbook', contestant: 'textbook', script: inTurn(yardstick) },
    ],
  };
}

const oursAlone = (name: string, requests: BenchRequest[], expected = 200): BenchCase => ({
  name,
  expected,
  contenders: [{ name: 'ours', contestant: 'ours', script: inTurn(requests) }],
});

/** The questions that change nothing. */
export async function readingCases({ ours }: Contestants, products: number): Promise<BenchCase[]> {
  const gateway = ours.url;
  const { ids, category, tags } = await catalogueAt(gateway, products);
  const byId = ids.map((id): BenchRequest => ({ path: `/api/products/${id}` }));
  const depth = Math.floor(products / 2);
  const deep = await pageAt(gateway, depth);
  const filter = `category_id=${category}&tag_id=${tags[0]}&price_gte=20&price_lte=60`;
  const known = await Promise.all(
    ids.slice(0, 50).map(async (id): Promise<BenchRequest> => {
      const path = `/api/products/${id}`;
      const { headers } = await answer(gateway + path);
      return { path, headers: { 'if-none-match': headers.get('etag') ?? '' } };
    }),
  );
  return [
    forAll('product by id', byId),
    forAll('list of 50, first page', [{ path: '/api/products' }]),
    forAll(
      'list of 50, 400 different pages',
      ids.map((id) => ({ path: `/api/products?id_gte=${id}` })),
      ids.map((id) => ({ path: `/api/products?after=${id - 1}` })),
    ),
    forAll('list of 50, in the middle', [{ path: deep.path }], [{ path: `/api/products?after=${deep.after}` }]),
    oursAlone('category + tag + price', [{ path: `/api/products?${filter}` }]),
    oursAlone('search of two words', await searchesAt(gateway)),
    oursAlone('facets of the largest category', [{ path: `/api/products/facets?category_id=${category}` }]),
    oursAlone('conditional GET (304)', known, 304),
  ];
}

/** What the slugs of created products begin with. */
export const createdPrefix = 'bench-';
let made = 0;

/** The questions that write. */
export async function writingCases({ ours }: Contestants, products: number): Promise<BenchCase[]> {
  const { ids, category, tags } = await catalogueAt(ours.url, products);
  const newProduct = () => {
    made += 1;
    return { product_name: `Bench ${process.pid}-${made}`, price: 9.99, stock: 5, category_id: category, tagIds: tags };
  };
  const post = (path: string, body: object): BenchRequest => ({
    method: 'POST',
    path,
    headers: json,
    body: JSON.stringify(body),
  });
  let changed = 0;
  /** Each connection changes a product of its own: what is compared is the work, not the waiting for one another. */
  const updates =
    (extra: { version?: boolean; key?: boolean } = {}): Script =>
    () => {
      const id = ids[changed++ % ids.length];
      let version: number | undefined;
      let turn = 0;
      return {
        next: () => {
          turn += 1;
          const body = { stock: turn % 50, price: (turn % 90) + 0.99, ...(extra.version ? { version } : {}) };
          const key = { 'idempotency-key': `bench-${process.pid}-${id}-${changed}-${turn}` };
          return {
            method: 'PUT',
            path: `/api/products/${id}`,
            headers: { ...json, ...(extra.key ? key : {}) },
            body: JSON.stringify(body),
          };
        },
        answered: (body) => {
          version = (JSON.parse(body) as { version?: number }).version;
        },
      };
    };
  const stock = (targets: number[]): Script => {
    let calls = 0;
    return () => ({
      next: () => {
        calls += 1;
        // One more for each, then one less for each, and so on.
        const delta = Math.floor(calls / targets.length) % 2 === 0 ? 1 : -1;
        return post(`/api/products/${targets[calls % targets.length]}/stock`, { delta, reason: 'bench' });
      },
    });
  };
  const both = (script: () => Script) =>
    (['ours', 'limit'] as const).map((name) => ({ name, contestant: name, script: script() }));
  return [
    {
      name: 'create with two tags',
      expected: 201,
      contenders: (['ours', 'textbook'] as const).map((name) => ({
        name,
        contestant: name,
        script: () => ({ next: () => post('/api/products', newProduct()) }),
      })),
    },
    {
      name: 'batch of 1,000 creates with two tags, 1 client',
      expected: 200,
      connections: 1,
      contenders: [
        {
          name: 'ours',
          contestant: 'ours',
          script: () => ({
            next: () => post('/api/products/batch', { create: Array.from({ length: 1_000 }, newProduct) }),
          }),
        },
      ],
    },
    {
      name: 'update',
      expected: 200,
      contenders: [
        { name: 'ours', contestant: 'ours', script: updates() },
        { name: 'with `version`', contestant: 'ours', script: updates({ version: true }) },
        { name: 'with an idempotency key', contestant: 'ours', script: updates({ key: true }) },
        { name: 'textbook', contestant: 'textbook', script: updates() },
      ],
    },
    {
      name: 'stock, one product, 50 clients',
      expected: 201,
      connections: 50,
      contenders: both(() => stock(ids.slice(0, 1))),
    },
    { name: 'stock, 400 products, 50 clients', expected: 201, connections: 50, contenders: both(() => stock(ids)) },
  ];
}

/** The gateway, and a proxy that does nothing else. */
export const proxyCase: BenchCase = {
  name: 'GET through a proxy',
  expected: 200,
  contenders: [
    { name: 'ours', contestant: 'ours', script: inTurn([{ path: '/api/products' }]) },
    { name: 'plain proxy', contestant: 'limit', script: inTurn([{ path: '/api/products' }]) },
  ],
};

/** Refuses a yardstick that does not answer what is asked: a product and a page, to the last byte of their JSON. */
export async function checkLimit({ ours, limit }: Contestants): Promise<void> {
  for (const path of ['/api/products/6', '/api/products']) {
    const [a, b] = await Promise.all(
      [ours, limit].map(async ({ url }) => JSON.stringify((await answer(url + path)).body)),
    );
    if (sorted(a) !== sorted(b)) throw new Error(`limit does not answer ${path} as the API does`);
  }
}

/** JSON with its fields in the order of their names. */
const sorted = (text = ''): string =>
  JSON.stringify(JSON.parse(text), (_key, value) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted())
      : value,
  );
