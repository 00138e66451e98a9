import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';
import { rowsIn } from './testing.ts';

const names = ['summer sale', 'winter sale', 'new', 'sale 50%'];
let service: TestService;
beforeAll(async () => {
  service = await startTestService(taggingService);
  const make = rowsIn(service);
  const products = await make.products(3);
  for (const [index, tag_name] of names.entries()) await make.tag({ tag_name, productIds: products.slice(index) });
});
afterAll(() => service.stop());

test.each([
  ['_sort=product_count', ['sale 50%', 'new', 'winter sale', 'summer sale']],
  ['_sort=tag_name', ['new', 'sale 50%', 'summer sale', 'winter sale']],
  ['product_count_lte=1&_sort=id', ['new', 'sale 50%']],
  ['q=sal&_sort=id', ['summer sale', 'winter sale', 'sale 50%']],
  ['q=winter+sale', ['winter sale']],
  ['tag_name_like=0%25', ['sale 50%']],
  ['tag_name=new&tag_name=winter sale', ['winter sale', 'new']],
])('When tags are listed with %s, then they are those', async (query, expected) => {
  const { status, body } = await service.get(`/api/tags?${query}`);

  expect(status).toBe(200);
  expect(body.map(({ tag_name }: { tag_name: string }) => tag_name)).toEqual(expected);
});

test('When tags are listed with their products, then it takes four statements, however many there are', async () => {
  service.statements.length = 0;
  await service.get('/api/tags');

  expect(service.statements).toHaveLength(4);
});
