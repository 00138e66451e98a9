import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';

/** As many as a filter may name. */
const most = 250;

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
  const batch = (resource: string, create: unknown[]) =>
    service.post(`/api/${resource}/batch?_return=minimal`, { create });
  const numbers = Array.from({ length: most }, (_, index) => index);
  await batch(
    'categories',
    numbers.map((index) => ({ category_name: `Category ${index}` })),
  );
  await batch(
    'products',
    numbers.map((index) => ({ product_name: `Product ${index}`, price: 1, sku: `sku-${index}` })),
  );
});
afterAll(() => service.stop());

const rows = async (resource: string, query = '_limit=250') => {
  const { status, body, headers } = await service.get(`/api/${resource}?${query}`);
  return { status, body: body as Record<string, unknown>[], link: headers.get('link') };
};

test.each([
  ['categories', 'id'],
  ['categories', 'slug'],
  ['products', 'id'],
  ['products', 'slug'],
  ['products', 'sku'],
])('When %s are asked for by 250 values of %s, then all are answered in one page', async (resource, field) => {
  const all = (await rows(resource)).body.map((row) => row[field]);
  const { status, body, link } = await rows(resource, all.map((value) => `${field}=${value}`).join('&'));

  expect(status).toBe(200);
  expect(body.map((row) => row[field])).toEqual(all);
  expect(link).not.toContain('rel="next"');
});

test('When movements are asked for by 60 ids, then all are answered in one page', async () => {
  const product = (await rows('products', '_limit=1')).body[0]?.id;
  for (let order = 0; order < 60; order++) await service.post(`/api/products/${product}/stock`, { delta: 1 });
  const path = `products/${product}/stock-movements`;
  const all = (await rows(path)).body.map(({ id }) => id);
  const { body } = await rows(path, all.map((id) => `id=${id}`).join('&'));

  expect(all.length).toBeGreaterThanOrEqual(60);
  expect(body.map(({ id }) => id)).toEqual(all);
});

test('When more ids are named than may be, then the problem says how many may be', async () => {
  const { status, body } = await service.get(`/api/products?${'id=1&'.repeat(most + 1)}`);

  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ parameter: 'id', code: 'too_long', allowed: { maximum: most } }]);
});

test.each([
  ['a limit is given', '&_limit=20', 20],
  ['a page is asked for', '&_page=2&_limit=20', 20],
])('When 60 ids are named and %s, then it counts', async (_case, rest, expected) => {
  const all = (await rows('products', '_limit=60')).body.map(({ id }) => `id=${id}`);

  expect((await rows('products', `${all.join('&')}${rest}`)).body).toHaveLength(expected);
});

test('When 60 values of a field that many rows can share are named, then a page has 50 as ever', async () => {
  const prices = Array.from({ length: 60 }, (_, index) => `price=${index}`);

  expect((await rows('products', prices.join('&'))).body).toHaveLength(50);
});
