import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from '../products/testing.ts';

let service: TestService;
let ids: number[];
beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  ids = [];
  for (const [category_name, parent, products] of [
    ['Garden tools', null, 1],
    ['Hand tools', 0, 3],
    ['Power tools', 0, 0],
    ['Garden furniture', null, 2],
  ] as const) {
    const parent_id = parent === null ? null : ids[parent];
    const { body } = await service.post('/api/categories', {
      category_name,
      parent_id,
      description: `All ${category_name}`,
    });
    ids.push(body.id);
    for (let index = 0; index < products; index++) await make.product({ category_id: body.id });
  }
});
afterAll(() => service.stop());

test.each([
  ['_sort=product_count&_order=desc', [1, 3, 0, 2]],
  ['product_count_gte=2', [1, 3]],
  ['product_count=0', [2]],
  ['parent_id=null', [0, 3]],
  ['parent_id_ne=null&_sort=category_name&_order=desc', [2, 1]],
  ['category_name_like=TOOLS', [0, 1, 2]],
  ['q=garden&_sort=id', [0, 3]],
  ['q=garden+furn', [3]],
  ['_sort=position,category_name&parent_id=null&_order=desc', [3, 0]],
])('When categories are listed with %s, then they are those', async (query, expected) => {
  const { status, body } = await service.get(`/api/categories?${query}&_embed=`);

  expect(status).toBe(200);
  expect(body.map(({ id }: { id: number }) => ids.indexOf(id))).toEqual(expected);
});

test('When categories are walked through by their number of products, then none is repeated or left out', async () => {
  const seen: number[] = [];
  let path: string | undefined = '/api/categories?_sort=product_count&_order=desc&_limit=1';
  while (path) {
    const { body, headers } = await service.get(path);
    seen.push(...body.map(({ id }: { id: number }) => ids.indexOf(id)));
    path = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }

  expect(seen).toEqual([1, 3, 0, 2]);
});

test('When many categories are listed with their products, then it takes four statements, however many there are', async () => {
  service.statements.length = 0;
  await service.get('/api/categories');
  const all = service.statements.length;
  service.statements.length = 0;
  await service.get('/api/categories?_limit=1');

  // One that has no products needs none that reads them.
  expect([all, [3, 4].includes(service.statements.length)]).toEqual([4, true]);
});
