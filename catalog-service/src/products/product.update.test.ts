import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

/** An id that no row has. */
const nobody = 4_000_000;
const read = async (id: number) => (await service.get(`/api/products/${id}`)).body;
const update = (id: number, changes: unknown) => service.patch(`/api/products/${id}`, changes);
const sendText = (id: number, text: string) =>
  service.patch(`/api/products/${id}`, text, { headers: { 'Content-Type': 'application/json' } });

/** A product with something in every field. */
const fullProduct = async () =>
  make.product({
    sku: unique('SKU'),
    description: 'before',
    status: 'draft',
    price: 19.99,
    stock: 4,
    category_id: (await make.category()).id,
    image_urls: ['https://images.example.com/a.jpg'],
    metadata: { b: [1, { c: null }], a: 'x' },
    tagIds: [await make.tag(), await make.tag()],
  });

describe('merge', () => {
  test.each(['put', 'patch'] as const)('When one field is sent by %s, then only that changes', async (method) => {
    const product = await fullProduct();

    const { status, body } = await service[method](`/api/products/${product.id}`, { price: 5.01 });

    expect(status).toBe(200);
    expect(body).toEqual({ ...product, price: 5.01, version: 2, updated_at: expect.any(String) });
    expect(await read(product.id)).toEqual(body);
  });

  test('When every field is sent, then every field changes and the version moves on by one', async () => {
    const product = await fullProduct();
    const [category, tag] = [await make.category(), await make.tag()];
    const changes = {
      product_name: unique('Renamed'),
      slug: 'renamed-all',
      sku: 'RENAMED-ALL',
      description: 'after',
      status: 'archived',
      price: 0,
      stock: 0,
      category_id: category.id,
      image_urls: [],
      metadata: { a: 'y' },
    };

    const { body } = await update(product.id, { ...changes, tagIds: [tag] });

    expect(body).toMatchObject({ ...changes, category: { id: category.id }, tags: [{ id: tag }], version: 2 });
    expect(body.metadata).toEqual({ a: 'y' });
  });

  test('When it is renamed, then it keeps its slug', async () => {
    const product = await make.product({ product_name: 'Old hat' });

    expect((await update(product.id, { product_name: 'New hat' })).body).toMatchObject({
      product_name: 'New hat',
      slug: 'old-hat',
    });
  });

  test.each(['sku', 'description', 'category_id'])('When %s is null, then it is cleared', async (field) => {
    const product = await fullProduct();

    const { status, body } = await update(product.id, { [field]: null });

    expect(status).toBe(200);
    expect(body[field]).toBeNull();
  });

  test('When its category is cleared, then it embeds none', async () => {
    const product = await fullProduct();

    expect((await update(product.id, { category_id: null })).body.category).toBeNull();
  });

  test.each(['product_name', 'slug', 'price', 'stock', 'status', 'image_urls', 'metadata', 'tagIds'])(
    'When %s is null, then it is refused',
    async (field) => {
      const product = await make.product();

      const { status, body } = await update(product.id, { [field]: null });

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ pointer: `/${field}` }]);
    },
  );
});

describe('tags', () => {
  test('When tagIds is sent, then it replaces the tags and the version moves on by one', async () => {
    const [stays, goes, comes] = [await make.tag(), await make.tag(), await make.tag()];
    const product = await make.product({ tagIds: [stays, goes] });

    const { body } = await update(product.id, { tagIds: [comes, stays] });

    expect(body).toMatchObject({ tags: [{ id: stays }, { id: comes }], version: 2 });
  });

  test('When tagIds and another field change at once, then the version still moves on by one', async () => {
    const product = await make.product({ tagIds: [await make.tag()] });

    expect((await update(product.id, { stock: 77, tagIds: [await make.tag()] })).body.version).toBe(2);
  });

  test('When tagIds is empty, then every tag goes', async () => {
    const product = await make.product({ tagIds: [await make.tag(), await make.tag()] });

    const { body } = await update(product.id, { tagIds: [] });

    expect(body).toMatchObject({ tags: [], version: 2 });
    expect(await make.linksOf(product.id)).toBe(0);
  });

  test('When tagIds is absent, then the tags stay', async () => {
    const product = await make.product({ tagIds: [await make.tag()] });

    expect((await update(product.id, { stock: 77 })).body.tags).toEqual(product.tags);
  });

  test('When tagIds is what it was, in another order and twice, then nothing changes', async () => {
    const [a, b] = [await make.tag(), await make.tag()];
    const product = await make.product({ tagIds: [a, b] });

    expect((await update(product.id, { tagIds: [b, a, b] })).body).toEqual(product);
  });
});

describe('no change', () => {
  test.each(['put', 'patch'] as const)(
    'When it is sent back by %s as it was read, then nothing changes',
    async (method) => {
      const product = await fullProduct();

      const { status, body } = await service[method](`/api/products/${product.id}`, product);

      expect(status).toBe(200);
      expect(body).toEqual(product);
    },
  );

  test('When nothing is sent, then nothing changes', async () => {
    const product = await fullProduct();

    const { status, body } = await update(product.id, {});

    expect(status).toBe(200);
    expect(body).toEqual(product);
  });

  test('When values are the same in another spelling, then nothing changes', async () => {
    const product = await make.product({ product_name: 'Spelt', price: 19.9, metadata: { a: 1, b: 2 }, stock: 0 });

    const { body } = await sendText(
      product.id,
      '{"product_name":"  Spelt ","price":"19.90","metadata":{"b":2.0,"a":1e0},"stock":0.0}',
    );

    expect(body).toEqual(product);
  });

  test.each(['stock', 'price'])('When %s is 0 and -0 is sent, then nothing changes', async (field) => {
    const product = await make.product({ [field]: 0 });

    expect((await sendText(product.id, `{"${field}":-0}`)).body).toEqual(product);
  });

  test('When metadata holds 0 and -0 is sent, then nothing changes', async () => {
    const product = await make.product({ metadata: { a: 0 } });

    expect((await sendText(product.id, '{"metadata":{"a":-0}}')).body).toEqual(product);
  });
});

describe('refused', () => {
  test.each([
    ['a fault', 400, async () => ({ price: 5, tagIds: [], stock: -1 })],
    ['an unknown tag', 422, async () => ({ price: 5, tagIds: [nobody] })],
    ['an unknown category', 422, async () => ({ price: 5, tagIds: [], category_id: nobody })],
    ['a sku that is taken', 409, async () => ({ tagIds: [], sku: (await make.product({ sku: unique('TAKEN') })).sku })],
  ])('When a body has %s, then it is %i and nothing changes', async (_, expected, changes) => {
    const product = await fullProduct();

    const { status } = await update(product.id, await changes());

    expect(status).toBe(expected);
    expect(await read(product.id)).toEqual(product);
  });

  test('When slug and sku belong to others, then it is 409 and names both and who holds them', async () => {
    const [bySlug, bySku] = [await make.product({ slug: 'held-slug' }), await make.product({ sku: 'HELD-1' })];
    const product = await make.product();

    const { status, body } = await update(product.id, { slug: 'held-slug', sku: 'held-1' });

    expect(status).toBe(409);
    expect(body.errors).toMatchObject([
      { pointer: '/slug', id: bySlug.id },
      { pointer: '/sku', id: bySku.id },
    ]);
  });

  test('When the sku changes its case only, then it is its own and is changed', async () => {
    const product = await make.product({ sku: 'case-1' });

    expect((await update(product.id, { sku: 'CASE-1' })).body).toMatchObject({ sku: 'CASE-1', version: 2 });
  });

  test.each<unknown>([nobody, null, '7', {}, { toString: 1, valueOf: 1 }, [1]])(
    'When the body has the id %j, then it is 400 and names the id of the path',
    async (id) => {
      const product = await make.product();

      const { status, body } = await update(product.id, { id, stock: 3 });

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ pointer: '/id', code: 'id_mismatch', allowed: [product.id] }]);
      expect(await read(product.id)).toEqual(product);
    },
  );

  test('When the body has the id of the path as text, then it is accepted', async () => {
    const product = await make.product();

    expect((await update(product.id, { id: String(product.id), stock: 3 })).status).toBe(200);
  });

  test('When the id of the path is no number, then only that is named, along with the faults of the body', async () => {
    const { status, body } = await service.put('/api/products/abc', { id: 5, stock: -1 });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ parameter: 'id' }, { pointer: '/stock' }]);
  });

  test.each(['put', 'patch'] as const)('When there is no such product, then %s is 404', async (method) => {
    const { status, body } = await service[method](`/api/products/${nobody}`, { stock: 1 });

    expect(status).toBe(404);
    expect(body).toMatchObject({ code: 'not_found', detail: `There is no product ${nobody}.` });
  });

  test('When there is no such product and the category is unknown, then it is 404', async () => {
    expect((await update(nobody, { category_id: nobody })).status).toBe(404);
  });
});

describe('delete', () => {
  test('When a product is deleted, then the answer is the product as it was, and its links go with it', async () => {
    const product = await fullProduct();

    const { status, body } = await service.delete(`/api/products/${product.id}`);

    expect(status).toBe(200);
    expect(body).toEqual({ ...product, effects: { tags_detached: 2 } });
    expect(await make.linksOf(product.id)).toBe(0);
  });

  test('When a product is deleted, then its tags and its category stay', async () => {
    const product = await fullProduct();

    await service.delete(`/api/products/${product.id}`);

    const ids = product.tags.map((tag: { id: number }) => tag.id);
    expect(await service.database.db.models.tag.count({ where: { id: ids } })).toBe(2);
    expect((await service.get(`/api/categories/${product.category_id}`)).body.product_count).toBe(0);
  });

  test('When it is deleted once more, then it is 404', async () => {
    const product = await make.product();
    await service.delete(`/api/products/${product.id}`);

    const { status, body } = await service.delete(`/api/products/${product.id}`);

    expect(status).toBe(404);
    expect(body.code).toBe('not_found');
  });

  test('When it is gone, then its slug and sku are free again', async () => {
    const product = await make.product({ slug: 'phoenix', sku: 'PHOENIX' });
    await service.delete(`/api/products/${product.id}`);

    expect(await make.product({ slug: 'phoenix', sku: 'PHOENIX' })).toMatchObject({ slug: 'phoenix', sku: 'PHOENIX' });
  });
});
