import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn, unique } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

/** Every place of the catalogue where a line of text can be written: how one is sent, and where its fault is. */
const places: [string, (text: string) => ReturnType<TestService['get']>, string][] = [
  ['a new product', (product_name) => service.post('/api/products', { product_name, price: 1 }), '/product_name'],
  ['a new category', (category_name) => service.post('/api/categories', { category_name }), '/category_name'],
  ['a SKU', (sku) => service.post('/api/products', { product_name: unique('Product'), price: 1, sku }), '/sku'],
  [
    'a change',
    async (product_name) => service.patch(`/api/products/${(await make.product()).id}`, { product_name }),
    '/product_name',
  ],
  [
    'a reason',
    async (reason) => service.post(`/api/products/${(await make.product()).id}/stock`, { delta: 1, reason }),
    '/reason',
  ],
  [
    'a batch',
    (category_name) => service.post('/api/categories/batch', { create: [{ category_name }] }),
    '/create/0/category_name',
  ],
];

test.each(places)(
  'When the text of %s cannot be seen, then it is refused every time, and never taken',
  async (_, send, pointer) => {
    for (const text of ['\u200b', '\u200b', '\u202e', '\u0000', '\u3164']) {
      const { status, body } = await send(text);
      expect([text, status, body.errors?.[0].pointer]).toEqual([text, 400, pointer]);
    }
  },
);

test('When a name comes with what nobody sees, then it is stored without, and is the same name', async () => {
  const name = unique('Copied');
  const created = await service.post('/api/categories', { category_name: `\ufeff${name}\u200b\r\n` });

  expect([created.status, created.body.category_name]).toEqual([201, name]);
  const same = await service.patch(`/api/categories/${created.body.id}`, { category_name: `${name}\u200b` });
  expect([same.status, same.body.version]).toEqual([200, 1]);
  const other = await service.post('/api/categories', { category_name: name });
  expect([other.status, other.body.errors[0].id]).toEqual([409, created.body.id]);
});
