import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

let service: TestService;
let category: number;
let tags: number[];
beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  category = (await make.category()).id;
  tags = [await make.tag(), await make.tag()];
  await make.product({ status: 'draft', category_id: category, tagIds: tags });
  await make.product({ status: 'active', sku: 'A-1' });
  await make.product({ status: 'archived', category_id: category, tagIds: tags.slice(1) });
});
afterAll(() => service.stop());

type Row = Record<string, unknown> & { id: number };
const list = async (query: string, path = 'products') => {
  const { status, body, headers } = await service.get(`/api/${path}?${query}`);
  return { status, body: body as Row[], headers };
};
const numbersOf = ({ body }: { body: Row[] }) => body.map(({ id }) => id - 1);

describe('a query as clients write it', () => {
  test.each([
    ['json-server', '_embed=category&_embed=tags', '_embed=category,tags'],
    ['axios', '_embed[]=category&_embed[]=tags', '_embed=category,tags'],
    ['json-server, of one', '_embed=tags&_embed=', '_embed=tags'],
    ['many', '_fields=id&_fields=stock', '_fields=id,stock'],
    ['many', '_sort=status&_sort=id&_order=desc&_order=asc', '_sort=status,id&_order=desc,asc'],
    ['axios', 'status[]=draft&status[]=active', 'status=draft&status=active'],
    ['axios, encoded', 'status%5B%5D=draft&status%5B%5D=active', 'status=draft&status=active'],
    ['axios, of one', 'status[]=draft', 'status=draft'],
    ['qs', 'status[0]=draft&status[1]=active', 'status=draft&status=active'],
    ['mixed', 'status=draft&status[]=active', 'status=draft&status=active'],
    ['query-string', 'category_id', 'category_id=null'],
    ['a form', 'category_id=', 'category_id=null'],
    ['query-string', 'category_id_ne', 'category_id_ne=null'],
    ['query-string', 'sku', 'sku=null'],
  ])('When a list is asked for as %s does, by %s, then it is that of %s', async (_client, written, meant) => {
    const [first, second] = [await list(written), await list(meant)];

    expect(first.status).toBe(200);
    expect(first.body).toEqual(second.body);
    expect(first.body).not.toEqual([]);
  });

  test('When tags are listed in brackets, then they count', async () => {
    expect(numbersOf(await list(`tag_id[]=${tags[0]}&tag_id[]=${tags[1]}&_sort=id`))).toEqual([0, 2]);
    expect(numbersOf(await list(`tag_id_all=${tags[0]}&tag_id_all=${tags[1]}`))).toEqual([0]);
  });

  test('When parents are asked for by a bare parameter, then roots are meant', async () => {
    expect((await list('parent_id', 'categories')).body.map(({ id }) => id)).toEqual([category]);
  });

  test('When one product is asked for with repeated embeddings, then it has them', async () => {
    const { body } = await service.get('/api/products/1?_embed=category&_embed=tags&_fields=category&_fields=tags');

    expect(Object.keys(body)).toEqual(['category', 'tags']);
  });

  test.each([
    ['colour[]=red', 'colour', 'unknown_parameter'],
    ['price', 'price', 'invalid_value'],
    ['_limit[]=1&_limit[]=2', '_limit', 'invalid_value'],
    ['status[x]=draft', 'status[x]', 'unknown_parameter'],
  ])('When it is %s, then it is 400 and names %s', async (query, parameter, code) => {
    const { status, body } = await service.get(`/api/products?${query}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter, code }]);
  });

  test('When pages of a list in brackets are followed, then they are of that list', async () => {
    const { headers } = await list('status[]=draft&status[]=active&_limit=1');
    const next = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
    const { body } = await service.get(String(next));

    expect(body).toMatchObject([{ status: 'active' }]);
  });
});

describe('windows of 1,000 rows', () => {
  beforeAll(async () => {
    // In parts, each of which a slow machine does in the time of a request.
    const create = async (resource: string, first: number, row: (index: number) => object) => {
      for (let from = first; from < 1_000; from += 100) {
        const indexes = Array.from({ length: Math.min(100, 1_000 - from) }, (_, index) => from + index);
        const path = `/api/${resource}/batch?_return=minimal`;
        expect((await service.post(path, { create: indexes.map(row) })).status).toBe(200);
      }
    };
    await create('products', 0, (index) => ({
      product_name: `Export ${index}`,
      price: 1,
      tagIds: tags,
      category_id: category,
    }));
    await create('categories', 1, (index) => ({ category_name: `Export ${index}` }));
  });

  test.each([
    ['products', '', 1_003],
    ['categories', '&_embed=', 1_000],
    ['categories', '', 1_000],
  ])('When %s are exported by _end=1000%s, then there are 1,000 with their number', async (path, rest, total) => {
    const { status, body, headers } = await list(`_start=0&_end=1000&_sort=id&_order=ASC${rest}`, path);

    expect([status, body.length, headers.get('x-total-count')]).toEqual([200, 1_000, String(total)]);
    expect(new Set(body.map(({ id }) => id)).size).toBe(1_000);
  });

  test('When their texts are longer than a response may be, then it is 400 that says how many have room', async () => {
    const description = 'x'.repeat(60_000);
    for (let from = 0; from < 100; from += 20) {
      const create = Array.from({ length: 20 }, (_, index) => ({ category_name: `Long ${from + index}`, description }));
      await service.post('/api/categories/batch?_return=minimal', { create });
    }
    const { status, body } = await service.get('/api/categories?_start=0&_end=1000&_sort=id&_order=desc');

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([
      { parameter: '_end', code: 'too_large', allowed: { maximum: expect.any(Number) } },
    ]);
  });
});

test('When something is refused, then the problem has a message, which is its detail', async () => {
  const single = await service.post('/api/products', {});
  const batch = await service.post('/api/products/batch?_on_error=continue', { delete: [4_000_000] });

  for (const problem of [single.body, batch.body.delete[0].problem]) {
    expect(problem.message).toBe(problem.detail);
    expect(problem.message).toMatch(/\w/);
  }
});
