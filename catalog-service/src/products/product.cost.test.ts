import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, whileLaneIsTaken } from './testing.ts';

let service: TestService;
let id: number;

beforeAll(async () => {
  service = await startTestService(catalogService, { expensiveMax: 1 });
  ({ id } = await rowsIn(service).product({ category_id: null }));
});
afterAll(() => service.stop());

/** The list of products that each of these parameters makes, without tags. */
const lists = async (queries: string[]) =>
  Promise.all(queries.map((query) => service.get(`/api/products?_embed=&${query}`)));

const expensive: [query: string, parameter: string][] = [
  ['product_name_like=a', 'product_name_like'],
  ['_count=exact', '_count'],
  ['_start=0&_end=10', '_start'],
  ['_page=1', '_page'],
  ['_sort=version', '_sort'],
  ['_sort=price,stock', '_sort'],
  ['_sort=price,id&_order=asc,desc', '_sort'],
  ['status_ne=draft', '_sort'],
  ['price_gte=5', '_sort'],
  ['status=active&_sort=price', '_sort'],
  ['category_id=1&category_id=2', '_sort'],
  ['tag_id=1&_sort=price', '_sort'],
  ['tag_id_all=1,2', '_sort'],
];
const cheap = [
  '',
  'q=product',
  'q=product&_sort=version&_count=exact',
  'q=product&_start=0&_end=10&description_like=b',
  '_sort=price&_order=desc',
  '_sort=id&_order=desc&id_lte=1000',
  'price_gte=1&price_lte=2&_sort=price',
  'status=active',
  'category_id=1',
  'category_id=null',
  'category_id=1&status=draft&_sort=price',
  'tag_id=1',
  'sku=A',
  'id=1&id=2&_sort=version',
  'slug=a&description_like=b',
];

describe('the cost of a list', () => {
  test('When the lane for expensive lists is full, then they are 503 that says what is expensive, and all others are answered', async () => {
    await whileLaneIsTaken(service, async () => {
      const [refused, answered, one, write] = await Promise.all([
        lists(expensive.map(([query]) => query)),
        lists(cheap),
        service.get(`/api/products/${id}?_embed=`),
        service.post('/api/categories', { category_name: 'Beside the lane' }),
      ]);

      expect(answered.map(({ status }, index) => [cheap[index], status])).toEqual(cheap.map((query) => [query, 200]));
      expect([one.status, write.status]).toEqual([200, 201]);
      expect(
        refused.map(({ status, body }, index) => [expensive[index]?.[0], status, body.errors?.[0]?.parameter]),
      ).toEqual(expensive.map(([query, parameter]) => [query, 503, parameter]));
      expect(refused[0]?.headers.get('retry-after')).toMatch(/^\d+$/);
      expect(refused[0]?.body).toMatchObject({ code: 'unavailable', errors: [{ code: 'expensive' }] });
    });
  });

  test('When the lane is free, then every expensive list is answered', async () => {
    for (const [query] of expensive) expect((await lists([query]))[0]?.status).toBe(200);
  });
});
