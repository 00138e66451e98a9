import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
});
afterAll(() => service.stop());

/** A name that no other test has. */
let count = 0;
const unique = (name: string) => `${name} ${++count}`;

const create = async (fields: Record<string, unknown> = {}) => {
  const { body } = await service.post('/api/categories', { category_name: unique('Category'), ...fields });
  return body;
};
const createProduct = async (category_id: number) =>
  (await service.post('/api/products', { product_name: unique('Product'), price: 1, category_id })).body;

describe('create', () => {
  test('When only a name is sent, then the rest has its defaults and Location leads to it', async () => {
    const { status, headers, body } = await service.post('/api/categories', { category_name: '  Crème Brûlée ' });

    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/categories/${body.id}`);
    expect(body).toMatchObject({
      category_name: 'Crème Brûlée',
      slug: 'creme-brulee',
      description: null,
      parent_id: null,
      product_count: 0,
      products: [],
      version: 1,
    });
    expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect((await service.get(`/api/categories/${body.id}`)).body).toEqual(body);
  });

  test('When a sibling has the name in another case and other accents, then it is 409 and names the holder', async () => {
    const held = await create({ category_name: 'Résumés' });

    const { status, body } = await service.post('/api/categories', { category_name: 'RESUMES' });

    expect(status).toBe(409);
    expect(body.code).toBe('duplicate');
    expect(body.errors).toEqual([
      { pointer: '/category_name', code: 'duplicate', detail: `is taken by ${held.id}`, id: held.id },
    ]);
  });

  test('When the same name is used under another parent, then it is created with the next slug', async () => {
    const root = await create({ category_name: 'Socks' });

    const child = await create({ category_name: 'Socks', parent_id: root.id });

    expect(child).toMatchObject({ category_name: 'Socks', slug: 'socks-2', parent_id: root.id });
  });

  test('When no position is sent, then it comes last among its siblings', async () => {
    const parent = await create();
    await create({ parent_id: parent.id, position: 7 });

    expect((await create({ parent_id: parent.id })).position).toBe(8);
  });

  test('When a sibling has the highest position that there is, then it has the same and comes behind by its id', async () => {
    const parent = await create();
    const highest = await create({ parent_id: parent.id, position: 4_294_967_295 });

    const last = await create({ parent_id: parent.id });

    const { body } = await service.get(`/api/categories?parent_id=${parent.id}&_sort=position`);
    expect(last.position).toBe(4_294_967_295);
    expect(body.map(({ id }: { id: number }) => id)).toEqual([highest.id, last.id]);
  });

  test('When the name is nothing but emoji, then the slug is made of the id', async () => {
    const category = await create({ category_name: '🎩🦄' });

    expect(category.slug).toBe(`category-${category.id}`);
  });

  test('When the parent does not exist, then it is 422 and nothing is created', async () => {
    const name = unique('Orphan');

    const { status, body } = await service.post('/api/categories', { category_name: name, parent_id: 4_000_000 });

    expect(status).toBe(422);
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/parent_id', ids: [4_000_000] })]);
    expect(await service.database.db.models.category.count({ where: { category_name: name } })).toBe(0);
  });

  test('When a description has 65,536 bytes, then it is 400, and with one less it is stored', async () => {
    const tooLong = await service.post('/api/categories', {
      category_name: unique('Long'),
      description: 'x'.repeat(65_536),
    });
    const longest = await create({ description: 'é'.repeat(32_767) });

    expect(tooLong.status).toBe(400);
    expect(tooLong.body.errors[0]).toMatchObject({ pointer: '/description', code: 'too_long' });
    expect(longest.description).toHaveLength(32_767);
  });
});

describe('read', () => {
  test('When a category has more than 50 products, then it embeds the first 50 by id and counts all', async () => {
    const category = await create();
    for (let index = 0; index < 52; index++) await createProduct(category.id);

    const { body } = await service.get(`/api/categories/${category.id}`);

    expect(body.product_count).toBe(52);
    expect(body.products).toHaveLength(50);
    const ids = body.products.map((product: { id: number }) => product.id);
    expect(ids).toEqual(ids.toSorted((a: number, b: number) => a - b));
    expect(body.products[0]).not.toHaveProperty('tags');
  });

  test('When there is no such category, then it is 404', async () => {
    const { status, body } = await service.get('/api/categories/4000000');

    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not_found', detail: 'There is no category 4000000.' });
  });
});

describe('update', () => {
  test('When one field is sent by PUT, then the others stay and the version moves on by one', async () => {
    const category = await create({ description: 'before' });

    const { status, body } = await service.put(`/api/categories/${category.id}`, { description: 'after' });

    expect(status).toBe(200);
    expect(body).toMatchObject({
      category_name: category.category_name,
      slug: category.slug,
      description: 'after',
      version: 2,
    });
  });

  test('When null is sent for a field that can be null, then it is cleared', async () => {
    const category = await create({ description: 'before' });

    expect((await service.patch(`/api/categories/${category.id}`, { description: null })).body.description).toBeNull();
  });

  test('When the category is sent back as it was read, then nothing changes', async () => {
    const category = await create();

    const { status, body } = await service.put(`/api/categories/${category.id}`, category);

    expect(status).toBe(200);
    expect(body).toEqual(category);
  });

  test('When it is renamed, then it keeps its slug', async () => {
    const category = await create({ category_name: 'Old hats' });

    expect((await service.put(`/api/categories/${category.id}`, { category_name: 'New hats' })).body).toMatchObject({
      category_name: 'New hats',
      slug: 'old-hats',
    });
  });

  test('When it is moved below its own grandchild, then it is 409 category_cycle and stays where it is', async () => {
    const top = await create();
    const middle = await create({ parent_id: top.id });
    const bottom = await create({ parent_id: middle.id });

    const { status, body } = await service.put(`/api/categories/${top.id}`, { parent_id: bottom.id });

    expect(status).toBe(409);
    expect(body.code).toBe('category_cycle');
    expect((await service.get(`/api/categories/${top.id}`)).body.parent_id).toBeNull();
  });

  test('When two categories are moved below each other at once, then no cycle comes of it', async () => {
    for (let round = 0; round < 10; round++) {
      const [a, b] = [await create(), await create()];

      const statuses = await Promise.all([
        service.put(`/api/categories/${a.id}`, { parent_id: b.id }).then(({ status }) => status),
        service.put(`/api/categories/${b.id}`, { parent_id: a.id }).then(({ status }) => status),
      ]);

      expect(statuses.toSorted()).toEqual([200, 409]);
    }
  });

  test('When a move would make the tree deeper than 32, then it is 400', async () => {
    let parent_id: number | null = null;
    for (let depth = 1; depth <= 32; depth++) parent_id = (await create({ parent_id })).id;

    const { status, body } = await service.post('/api/categories', { category_name: unique('Too deep'), parent_id });

    expect(status).toBe(400);
    expect(body.errors[0]).toMatchObject({ pointer: '/parent_id', code: 'too_deep', allowed: { maximum: 32 } });
  });
});

describe('delete', () => {
  test('When a category has products and children, then they stay: without category, and one level up', async () => {
    const parent = await create();
    const category = await create({ parent_id: parent.id });
    const child = await create({ parent_id: category.id });
    const product = await createProduct(category.id);

    const { status, body } = await service.delete(`/api/categories/${category.id}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      id: category.id,
      product_count: 1,
      effects: { products_detached: 1, children_moved: 1 },
    });
    expect((await service.get(`/api/categories/${category.id}`)).status).toBe(404);
    expect((await service.get(`/api/categories/${child.id}`)).body).toMatchObject({ parent_id: parent.id, version: 2 });
    expect((await service.get(`/api/products/${product.id}`)).body).toMatchObject({ category_id: null, version: 2 });
  });

  test('When a child has the name of a category one level up, then it is 409 and nothing changes', async () => {
    const name = unique('Twin');
    const category = await create();
    await create({ category_name: name });
    const child = await create({ category_name: name, parent_id: category.id });

    const { status, body } = await service.delete(`/api/categories/${category.id}`);

    expect(status).toBe(409);
    expect(body.code).toBe('duplicate');
    expect((await service.get(`/api/categories/${child.id}`)).body.parent_id).toBe(category.id);
  });

  test('When a child has its name, then the child takes its place', async () => {
    const category = await create();
    const child = await create({ category_name: category.category_name, parent_id: category.id });

    const { status, body } = await service.delete(`/api/categories/${category.id}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({ category_name: category.category_name, effects: { children_moved: 1 } });
    expect((await service.get(`/api/categories/${child.id}`)).body).toMatchObject({ parent_id: null, version: 2 });
  });
});
