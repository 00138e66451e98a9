import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { responseBytes } from '@shop/service-kit/response-bound.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';

/** As many as are embedded in a tag, and tags that have all of them. */
const many = 50;

let service: TestService;
beforeAll(async () => {
  service = await startTestService(taggingService);
  const { sequelize } = service.database.db;
  const numbers = `WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${many})`;
  await sequelize.query(
    `INSERT INTO product (product_name, slug, price, description)
     ${numbers} SELECT CONCAT('p', n), CONCAT('p', n), 1, REPEAT('x', 102400) FROM numbers`,
  );
  await sequelize.query(
    `INSERT INTO tag (tag_name, slug) ${numbers} SELECT CONCAT('t', n), CONCAT('t', n) FROM numbers`,
  );
  await sequelize.query('INSERT INTO product_tag SELECT product.id, tag.id FROM product JOIN tag');
});
afterAll(() => service.stop());

test('When 50 tags have the same 50 products of 100 KiB, then pages of tags end early, and lead to all of them', async () => {
  const seen: string[] = [];
  const lengths: number[] = [];
  for (let next: string | undefined = '/api/tags?_limit=50'; next; ) {
    const { text, body, headers } = await service.get(next);
    seen.push(...body.map(({ tag_name }: { tag_name: string }) => tag_name));
    lengths.push(text.length);
    next = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }

  expect(seen).toEqual(Array.from({ length: many }, (_, index) => `t${index + 1}`));
  expect(Math.max(...lengths)).toBeLessThanOrEqual(responseBytes + 1_024);
});

test('When a tag is changed, merged and deleted, then its products are cut in each answer, and it says so', async () => {
  const { body: tags } = await service.get('/api/tags?_embed=&_limit=3');
  const [first, second, third] = tags.map(({ id }: { id: number }) => id);
  const answers = [
    await service.put(`/api/tags/${first}`, { tag_name: 'renamed' }),
    await service.post(`/api/tags/${first}/products`, { remove: [1] }),
    await service.post(`/api/tags/${second}/merge`, { into: first }),
    await service.put(`/api/tags/${third}`, { tag_name: 'other' }, { headers: { 'If-Match': '"9-x"' } }),
    await service.delete(`/api/tags/${first}`),
  ];
  const shown = answers.map(({ body }) => body.current ?? body);

  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 412, 200]);
  expect(shown.map(({ products_truncated }) => products_truncated)).toEqual(answers.map(() => true));
  expect(shown.map(({ products }) => products.length)).toEqual(answers.map(() => 10));
});

test('When a batch changes them all, then its answer names versions alone, and says so', async () => {
  const { body: tags } = await service.get('/api/tags?_embed=&_limit=250');
  const update = tags.map(({ id }: { id: number }) => ({ id, tag_name: `batch ${id}` }));
  const { status, body, headers } = await service.post('/api/tags/batch', { update });

  expect([status, headers.get('preference-applied')]).toEqual([200, 'return=minimal']);
  expect(body.update.map(({ resource }: { resource: object }) => Object.keys(resource))).toEqual(
    update.map(() => ['id', 'version']),
  );
});
