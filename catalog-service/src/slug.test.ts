import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
});
afterAll(() => service.stop());

test('When names have ligatures and wide digits, then their slugs have the same letters and digits', async () => {
  const names = ['Oﬃce chair', '２０２４'];
  const products = names.map((product_name) => ({ product_name, price: 1 }));
  const categories = names.map((category_name) => ({ category_name }));

  const alone = [
    await service.post('/api/products', products[0]),
    await service.post('/api/categories', categories[0]),
  ];
  const batch = [
    await service.post('/api/products/batch', { create: products }),
    await service.post('/api/categories/batch', { create: [categories[1]] }),
  ];

  expect(alone.map(({ body }) => body.slug)).toEqual(['office-chair', 'office-chair']);
  const created = batch.flatMap(({ body }) => body.create);
  expect(created.map(({ resource }) => resource.slug)).toEqual(['office-chair-2', '2024', '2024']);
});
