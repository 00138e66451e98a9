import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from '../products/testing.ts';

interface Node {
  id: number;
  product_count: number;
  total_product_count: number;
  children: Node[];
}

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
});
afterAll(() => service.stop());

const create = async (fields: object) => (await service.post('/api/categories', fields)).body;

test('When there are no categories, then the tree is empty', async () => {
  expect((await service.get('/api/categories/tree')).body).toEqual([]);
});

test('When categories are nested, then the tree shows them by position, with the counts of each subtree', async () => {
  const make = rowsIn(service);
  const clothes = await create({ category_name: 'Clothes', position: 1 });
  const music = await create({ category_name: 'Music', position: 0 });
  const shirts = await create({ category_name: 'Shirts', parent_id: clothes.id, position: 5 });
  const hats = await create({ category_name: 'Hats', parent_id: clothes.id, position: 2 });
  const caps = await create({ category_name: 'Caps', parent_id: hats.id });
  for (const { id } of [clothes, shirts, caps, caps]) await make.product({ category_id: id });
  await make.product();

  const { status, body } = await service.get('/api/categories/tree');

  const outline = (nodes: Node[]): unknown[] =>
    nodes.map((node) => [node.id, node.product_count, node.total_product_count, outline(node.children)]);
  expect(status).toBe(200);
  expect(outline(body)).toEqual([
    [music.id, 0, 0, []],
    [
      clothes.id,
      1,
      4,
      [
        [hats.id, 0, 2, [[caps.id, 2, 2, []]]],
        [shirts.id, 1, 1, []],
      ],
    ],
  ]);
  expect(body[1]).toMatchObject({ category_name: 'Clothes', slug: 'clothes', version: 1 });
});

test('When categories are moved at random by many at once, then the tree keeps every category and never has a cycle', async () => {
  const ids: number[] = [];
  for (let index = 0; index < 12; index++) ids.push((await create({ category_name: `Moving ${index}` })).id);
  const randomId = () => ids[Math.floor(Math.random() * ids.length)];

  const statuses = await Promise.all(
    Array.from(
      { length: 80 },
      async () => (await service.put(`/api/categories/${randomId()}`, { parent_id: randomId() })).status,
    ),
  );

  const flat = (nodes: Node[]): number[] => nodes.flatMap((node) => [node.id, ...flat(node.children)]);
  const found = flat((await service.get('/api/categories/tree')).body);
  expect(statuses.filter((status) => status !== 200 && status !== 409)).toEqual([]);
  expect(found).toEqual(expect.arrayContaining(ids));
  expect(new Set(found).size).toBe(found.length);
});
