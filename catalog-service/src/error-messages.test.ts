import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const nobody = 4_000_000;

describe('one fault, one error', () => {
  test.each([
    [{ image_urls: 'https://a.example/1.jpg' }, '/image_urls', 'must be an array', { type: 'array' }],
    [{ stock: 2 ** 53 + 2 }, '/stock', 'must be at most 2147483647', { maximum: 2_147_483_647 }],
    [{ tagIds: 'x' }, '/tagIds', 'must be an array', { type: 'array' }],
  ])('When a product is %j, then it has one error', async (fields, pointer, detail, allowed) => {
    const product = { product_name: 'Shirt', price: 1, ...fields };
    const single = await service.post('/api/products', product);
    const batch = await service.post('/api/products/batch', { create: [product] });

    const error = { code: expect.any(String), detail, allowed };
    expect(single.body.errors).toEqual([{ pointer, ...error }]);
    expect(batch.body.errors).toEqual([{ pointer: `/create/0${pointer}`, ...error }]);
  });

  test('When a position is beyond all bounds, then the one of the field is told', async () => {
    const { body } = await service.post('/api/categories', { category_name: 'Far', position: 2 ** 60 });

    expect(body.errors).toMatchObject([{ pointer: '/position', allowed: { maximum: 4_294_967_295 } }]);
  });
});

describe('ids', () => {
  const huge = '99999999999999999999';

  test.each([
    ['get', `/api/products/${huge}`],
    ['delete', `/api/categories/${huge}`],
    ['get', `/api/products/${huge}/stock-movements`],
  ] as const)('When the id of %s %s is too large for any number, then it is 404 and tells it', async (method, path) => {
    const { status, body } = await service[method](path);

    expect(status).toBe(404);
    expect(body.detail).toBe(`There is nothing with the id ${huge}.`);
  });

  test('When stock of such an id is moved, then it is 404, too', async () => {
    expect((await service.post(`/api/products/${huge}/stock`, { delta: 1 })).status).toBe(404);
  });

  test('When products go to a category with such an id, then it is told', async () => {
    const { id } = await make.category();
    const { status, body } = await service.delete(`/api/categories/${id}?products=reassign:${huge}`);

    expect(status).toBe(422);
    expect(body.detail).toContain(huge);
  });

  test.each([
    `id=${huge}`,
    `id=-${huge}`,
    `stock_gte=${huge}`,
    `tag_id=${huge}`,
    `tag_id_all=${huge}`,
    `price=${huge}`,
  ])('When a list is asked for %s, then nothing is found', async (query) => {
    await make.product();
    const { status, body } = await service.get(`/api/products?${query}`);

    expect([status, body]).toEqual([200, []]);
  });

  test('When a single write refers to ids that do not exist, then the problem names them', async () => {
    const { status, body } = await service.post('/api/products', {
      product_name: 'Orphan',
      price: 1,
      category_id: nobody,
      tagIds: [nobody + 1, nobody + 2],
    });

    expect(status).toBe(422);
    expect(body.detail).toBe(
      'category_id refers to 4000000, which does not exist; tagIds refers to 4000001, 4000002, which do not exist.',
    );
  });

  test('When a write of a batch does, then the problem of that operation names them', async () => {
    const create = [{ category_name: 'Orphan', parent_id: nobody }];
    const { body } = await service.post('/api/categories/batch?_on_error=continue', { create });

    expect(body.create).toMatchObject([
      { status: 422, problem: { detail: 'parent_id refers to 4000000, which does not exist.' } },
    ]);
  });
});

describe('numbers in filters', () => {
  let category: number;
  beforeAll(async () => {
    category = (await make.category()).id;
    for (const price of [0.29, 0.3, 0.31, 10]) await make.product({ price, category_id: category });
  });

  test.each([
    ['price_lte=0.30000000000000004', [0.29, 0.3]],
    ['price_gte=0.30000000000000004', [0.31, 10]],
    ['price_lte=0.29999999999999999', [0.29]],
    ['price_gte=0.29999999999999999', [0.3, 0.31, 10]],
    ['price=0.30000000000000004', []],
    ['price_ne=0.30000000000000004', [0.29, 0.3, 0.31, 10]],
    ['price=.3', [0.3]],
    ['price=0.3000000000', [0.3]],
    ['price=1e1', [10]],
    ['price=3e-1', [0.3]],
    ['price=1.', []],
    ['price_lte=1e400', [0.29, 0.3, 0.31, 10]],
    ['price_gte=1e-400', [0.29, 0.3, 0.31, 10]],
    ['price_gte=-1e400', [0.29, 0.3, 0.31, 10]],
    ['price_lte=-.5', []],
  ])('When products are filtered by %s, then it is exact', async (query, expected) => {
    const { status, body } = await service.get(`/api/products?category_id=${category}&${query}&_sort=price`);

    expect(status).toBe(200);
    expect(body.map(({ price }: { price: number }) => price)).toEqual(expected);
  });

  test.each(['.', 'e1', '1e', '--1', '0x10', 'NaN', 'Infinity', '1,5'])(
    'When a price is %s, then it is 400',
    async (text) => {
      const { status, body } = await service.get(`/api/products?price=${text}`);

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ parameter: 'price', detail: 'must be a number' }]);
    },
  );
});

describe('parameters', () => {
  test.each(['_limit', '_cursor', '_page', '_count', 'q', '_descendants', 'price_gte'])(
    'When %s is given twice, then it says that',
    async (name) => {
      const { status, body } = await service.get(`/api/products?${name}=1&${name}=1`);

      expect(status).toBe(400);
      expect(body.errors).toEqual([expect.objectContaining({ parameter: name, detail: 'must be given once' })]);
    },
  );

  test.each(['/api/products?q=%E9', '/api/categories?category_name=%E9', '/api/products/1?_fields=%E9'])(
    'When %s is not UTF-8, then it is 400 and names the parameter',
    async (path) => {
      const { status, body } = await service.get(path);

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ parameter: /\?(\w+)/.exec(path)?.[1], code: 'invalid_text' }]);
    },
  );
});

test('When a product is packed as x-gzip, then it is created', async () => {
  const body = gzipSync(JSON.stringify({ product_name: 'Packed', price: 1 }));
  const headers = { 'Content-Type': 'application/json', 'Content-Encoding': 'x-gzip' };

  expect((await service.post('/api/products', body, { headers })).status).toBe(201);
});
