import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn, unique } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

type Send = (path: string, query: string) => ReturnType<TestService['get']>;

/** What differs from one run of a write to the next: ids that it takes, and the time. */
const timeless = (text: string): string => text.replaceAll(/"(\w+_at)":"[^"]+"/g, '"$1":"now"');

describe('dry run', () => {
  const writes: [string, 'products' | 'categories', Send][] = [
    [
      'PUT a product',
      'products',
      (path, query) => service.put(path + query, { price: 7, tagIds: [], category_id: null }),
    ],
    ['PATCH a product', 'products', (path, query) => service.patch(path + query, { sku: unique('SKU') })],
    ['PATCH nothing', 'products', (path, query) => service.patch(path + query, {})],
    ['DELETE a product', 'products', (path, query) => service.delete(path + query)],
    ['PUT a category', 'categories', (path, query) => service.put(path + query, { description: 'new' })],
    ['PATCH a category', 'categories', (path, query) => service.patch(path + query, { parent_id: null, position: 9 })],
    ['DELETE a category', 'categories', (path, query) => service.delete(path + query)],
  ];

  test.each(writes)(
    'When %s is tried, then no row changes, and the real one is answered the same',
    async (_, plural, send) => {
      const category = await make.category();
      const product = await make.product({ category_id: category.id, tagIds: [await make.tag()] });
      const path = `/api/${plural}/${plural === 'products' ? product.id : category.id}`;
      const before = await allRows(service.database);

      const tried = await send(path, '?_dry_run=true');
      const after = await allRows(service.database);
      const done = await send(path, '?_dry_run=false');

      expect(after).toEqual(before);
      expect([tried.status, timeless(tried.text).replace(/SKU \d+/, '')]).toEqual([
        200,
        timeless(done.text).replace(/SKU \d+/, ''),
      ]);
      expect([tried.headers.get('dry-run'), done.headers.get('dry-run')]).toEqual(['true', null]);
    },
  );

  test.each([
    ['products', { product_name: 'Tried', price: 3, stock: 1 }],
    ['categories', { category_name: 'Tried' }],
  ])(
    'When one of the %s is created, then it is answered with its id and place, and is not there',
    async (plural, body) => {
      const before = await allRows(service.database);

      const { status, headers, body: item } = await service.post(`/api/${plural}?_dry_run=true`, body);

      expect(status).toBe(201);
      expect(item).toMatchObject({ ...body, slug: 'tried', version: 1 });
      expect(headers.get('location')).toBe(`/api/${plural}/${item.id}`);
      expect(headers.get('etag')).toMatch(/^"1/);
      expect(await allRows(service.database)).toEqual(before);
      expect((await service.get(`/api/${plural}/${item.id}`)).status).toBe(404);
    },
  );

  test('When what is tried would be refused, then it is refused in the same way', async () => {
    const { id } = await make.product({ sku: 'TRIED-1' });
    const sku = { product_name: unique('Tried'), price: 1, sku: 'TRIED-1' };

    const taken = await service.post('/api/products?_dry_run=true', sku);
    const old = await service.put(`/api/products/${id}?_dry_run=true`, { version: 9 });
    const gone = await service.delete('/api/products/4000000?_dry_run=true');

    expect([taken.body.code, old.body.code, gone.body.code]).toEqual(['duplicate', 'version_conflict', 'not_found']);
  });

  test('When a key comes with it, then it is free afterwards', async () => {
    const headers = { 'Idempotency-Key': 'tried-first' };
    const body = { product_name: unique('Tried'), price: 1 };
    await service.post('/api/products?_dry_run=true', body, { headers });

    const real = await service.post('/api/products', body, { headers });
    const triedAgain = await service.post('/api/products?_dry_run=true', body, { headers });

    expect([real.status, real.headers.get('idempotency-replayed')]).toEqual([201, null]);
    expect(triedAgain.text).toBe(real.text);
    expect(triedAgain.headers.get('idempotency-replayed')).toBe('true');
  });

  test.each(['?_dry_run=yes', '?_dry_run', '?_dry_run=true&_dry_run=true', '?dry_run=true', '?_embed='])(
    'When the query is %s, then it is 400 and nothing changes',
    async (query) => {
      const product = await make.product();

      const { status } = await service.put(`/api/products/${product.id}${query}`, { stock: 77 });

      expect(status).toBe(400);
      expect((await service.get(`/api/products/${product.id}`)).body).toEqual(product);
    },
  );
});
