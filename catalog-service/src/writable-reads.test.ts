import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bodyLimit } from '@shop/service-kit/body-limit.ts';
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

/** Texts of the greatest length: one that JSON writes as it is, one that it writes twice as long, one six times. */
const longest = ['x', '"', '\u0001'].map((character) => character.repeat(65_535));

test.each(longest)(
  'When 20 products have descriptions as long as can be, then their category can be sent back',
  async (description) => {
    const category = await make.category();
    await service.patch(`/api/categories/${category.id}`, { description });
    const fields = { category_id: category.id, description };
    for (let index = 0; index < 20; index++) await make.product(fields);
    const path = `/api/categories/${category.id}`;
    const read = await service.get(path);

    const written = await service.put(path, read.text, { headers: { 'Content-Type': 'application/json' } });

    expect(Buffer.byteLength(read.text)).toBeLessThan(bodyLimit);
    expect([read.body.product_count, read.body.products_truncated]).toEqual([20, true]);
    expect(read.body.products.length).toBeGreaterThan(0);
    expect([written.status, written.body]).toEqual([200, read.body]);
  },
);

test('When a product has 1,000 tags with long names and long descriptions, then it can be sent back', async () => {
  const category = await make.category();
  const description = '"'.repeat(65_535);
  await service.patch(`/api/categories/${category.id}`, { description });
  const { tag } = service.database.db.models;
  const rows = Array.from({ length: 1_000 }, (_, index) => ({
    tag_name: `${'😀'.repeat(250)} ${index}`,
    slug: `long-tag-${index}`,
  }));
  await tag.bulkCreate(rows, { fields: ['tag_name', 'slug'] });
  const tags = await tag.findAll({ attributes: ['id'], order: [['id', 'DESC']], limit: 1_000 });
  const tagIds = tags.map((row) => row.get('id') as number);
  const { id } = await make.product({ description, category_id: category.id, tagIds });
  const one = await service.get(`/api/products/${id}`);
  const [listed] = (await service.get(`/api/products?id=${id}`)).body;

  const written = await service.put(`/api/products/${id}`, one.text, {
    headers: { 'Content-Type': 'application/json' },
  });

  expect(Buffer.byteLength(one.text)).toBeLessThan(bodyLimit);
  expect([one.body.tags_truncated, listed]).toEqual([true, one.body]);
  expect([written.status, written.body]).toEqual([200, one.body]);
});
