import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
/** The id of a product with a category and a tag. */
let product: number;
beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  const [category, tag] = [await make.category(), await make.tag()];
  product = (await make.product({ category_id: category.id, tagIds: [tag] })).id;
});
afterAll(() => service.stop());

describe('entity tags', () => {
  /** The entity tag of a path now, and what a client that has it is answered. */
  async function tagOf(path: string) {
    const etag = (await service.get(path)).headers.get('etag') ?? '';
    service.statements.length = 0;
    const again = await service.get(path, { headers: { 'If-None-Match': `"other", W/${etag}` } });
    return { etag, again, statements: [...service.statements] };
  }

  test('When a product is asked for that the client has, then it is 304 after one statement that reads no row whole', async () => {
    const { etag, again, statements } = await tagOf(`/api/products/${product}`);

    expect(again.status).toBe(304);
    expect(again.text).toBe('');
    expect(again.headers.get('etag')).toBe(etag);
    expect(statements).toHaveLength(1);
    expect(statements[0]).not.toContain('description');
  });

  test.each(['/api/products?_limit=3', '/api/categories', '/api/categories/1', '/api/products/1?_fields=id'])(
    'When %s is asked for that the client has, then it is 304',
    async (path) => {
      expect((await tagOf(path)).again.status).toBe(304);
    },
  );

  test('When the product, its category or a tag of it changes, then it has another entity tag', async () => {
    const make = rowsIn(service);
    const [category, tag] = [await make.category(), await make.tag()];
    const { id } = await make.product({ category_id: category.id, tagIds: [tag] });
    const path = `/api/products/${id}`;
    const etags = [(await tagOf(path)).etag];

    await service.put(path, { price: 2 });
    etags.push((await tagOf(path)).etag);
    await service.put(`/api/categories/${category.id}`, { description: 'new' });
    etags.push((await tagOf(path)).etag);
    await service.database.db.models.tag.increment('version', { where: { id: tag } });
    etags.push((await tagOf(path)).etag);
    await service.put(path, { tagIds: [] });
    etags.push((await tagOf(path)).etag);

    expect(new Set(etags).size).toBe(5);
    await service.delete(path);
  });

  test('When another part of a product is asked for, then it has another entity tag', async () => {
    const path = `/api/products/${product}`;
    const paths = [path, `${path}?_embed=`, `${path}?_embed=tags`, `${path}?_fields=id`, `${path}?_fields=id,sku`];

    const etags = await Promise.all(paths.map(async (one) => (await tagOf(one)).etag));

    expect(new Set(etags).size).toBe(5);
    expect((await service.get(`${path}?_embed=`, { headers: { 'If-None-Match': etags[0] ?? '' } })).status).toBe(200);
  });
});
