import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let tags: number[];
let categories: { id: number; category_name: string }[];

beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  tags = [await make.tag(), await make.tag()];
  categories = [await make.category(), await make.category(), await make.category()];
  await service.put(`/api/categories/${categories[1]?.id}`, { parent_id: categories[0]?.id });
  const product = (category: number, price: number, status: string, tagIds: (number | undefined)[]) =>
    make.product({ category_id: categories[category]?.id ?? null, price, status, tagIds });
  await product(0, 5, 'active', [tags[0]]);
  await product(0, 15, 'active', [tags[0], tags[1]]);
  await product(0, 24.99, 'draft', []);
  await product(1, 25, 'active', [tags[1]]);
  await product(1, 2000, 'archived', [tags[0]]);
  await product(9, 7, 'active', []);
});
afterAll(() => service.stop());

const facets = async (query = '') => (await service.get(`/api/products/facets?${query}`)).body;
const counts = (values: { count: number }[]) => values.map(({ count }) => count);
const filled = (bands: { from: number; count: number }[]) =>
  bands.filter(({ count }) => count > 0).map(({ from, count }) => [from, count]);

describe('facets', () => {
  test('When there is no filter, then all products are counted by category, tag, status and price band', async () => {
    const body = await facets();

    expect(body.total).toBe(6);
    expect(body.category).toEqual([
      { id: categories[0]?.id, category_name: categories[0]?.category_name, count: 3 },
      { id: categories[1]?.id, category_name: categories[1]?.category_name, count: 2 },
      { id: null, category_name: null, count: 1 },
    ]);
    expect(body.tag.map(({ id, count }: { id: number; count: number }) => [id, count])).toEqual([
      [tags[0], 3],
      [tags[1], 2],
    ]);
    expect(body.status).toEqual([
      { value: 'draft', count: 1 },
      { value: 'active', count: 4 },
      { value: 'archived', count: 1 },
    ]);
    expect(body.price).toMatchObject({ min: 5, max: 2000 });
    expect(filled(body.price.bands)).toEqual([
      [0, 2],
      [10, 2],
      [25, 1],
      [1000, 1],
    ]);
  });

  test('When a category is chosen, then its facet still shows the others, and every other facet only its products', async () => {
    const body = await facets(`category_id=${categories[0]?.id}`);

    expect(body.total).toBe(3);
    expect(counts(body.category)).toEqual([3, 2, 1]);
    expect(counts(body.tag)).toEqual([2, 1]);
    expect(counts(body.status)).toEqual([1, 2, 0]);
    expect(body.price).toMatchObject({ min: 5, max: 24.99 });
  });

  test('When a category is chosen with its descendants, then their products count', async () => {
    expect((await facets(`category_id=${categories[0]?.id}&_descendants=true`)).total).toBe(5);
  });

  test('When a tag, a status and a price are chosen, then each facet leaves its own filter aside and takes the others', async () => {
    const body = await facets(`tag_id=${tags[0]}&status=active&price_lte=20`);

    expect(body.total).toBe(2);
    expect(counts(body.tag)).toEqual([2, 1]);
    expect(counts(body.status)).toEqual([0, 2, 0]);
    expect(body.price).toMatchObject({ min: 5, max: 15 });
  });

  test('When nothing is left, then every count is 0 and there is no range', async () => {
    const body = await facets('sku=nothing');

    expect(body).toMatchObject({ total: 0, category: [], tag: [], price: { min: null, max: null } });
    expect(counts(body.price.bands)).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  test('When a parameter of paging is sent, then it is 400', async () => {
    const { status, body } = await service.get('/api/products/facets?_limit=5');

    expect(status).toBe(400);
    expect(body.code).toBe('unknown_parameter');
  });

  test('When twenty ask the same at once, then it is computed for several of them together', async () => {
    service.statements.length = 0;
    const bodies = await Promise.all(Array.from({ length: 20 }, () => facets('stock_gte=1')));

    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
    // The tags, all other counts, and the names of the categories.
    expect(service.statements.length).toBeLessThan(3 * 20);
    expect(service.statements.length % 3).toBe(0);
  });
});
