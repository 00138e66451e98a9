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
const json = { headers: { 'Content-Type': 'application/json' } };
const create = (fields: Record<string, unknown>) => service.post('/api/products', fields);
const countOf = (product_name: string) => service.database.db.models.product.count({ where: { product_name } });

describe('fields', () => {
  test('When the classic body is sent, then the product has its values and its tags by id', async () => {
    const tags = [await make.tag(), await make.tag(), await make.tag()];

    const { status, headers, body } = await create({
      product_name: '  Basketball ',
      price: 200.0,
      stock: 3,
      tagIds: tags.toReversed(),
    });

    expect(status).toBe(201);
    expect(headers.get('location')).toBe(`/api/products/${body.id}`);
    expect(body).toMatchObject({ product_name: 'Basketball', price: 200, stock: 3, category: null, version: 1 });
    expect(body.tags.map((tag: { id: number }) => tag.id)).toEqual(tags);
  });

  test('When only name and price are sent, then the rest has its defaults', async () => {
    const { body } = await create({ product_name: 'Crème Brûlée Torch', price: 14.99 });

    expect(body).toEqual({
      id: expect.any(Number),
      product_name: 'Crème Brûlée Torch',
      slug: 'creme-brulee-torch',
      sku: null,
      description: null,
      status: 'active',
      price: 14.99,
      stock: 10,
      category_id: null,
      image_urls: [],
      metadata: {},
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: body.created_at,
      version: 1,
      category: null,
      tags: [],
    });
  });

  test('When every field is sent, then reading it answers what the create answered', async () => {
    const category = await make.category();
    const fields = {
      product_name: 'Cash $1 \'quoted\' "twice" \\ back',
      slug: 'cash-1',
      sku: 'CA-1',
      description: '',
      status: 'draft',
      price: 0.07,
      stock: 0,
      category_id: category.id,
      image_urls: ['https://images.example.com/a.jpg', 'http://images.example.com/b.jpg'],
      metadata: { material: 'cotton' },
    };

    const { body } = await create(fields);

    expect(body).toMatchObject(fields);
    expect((await service.get(`/api/products/${body.id}`)).body).toEqual(body);
  });

  test('When read-only fields are sent, then they are ignored', async () => {
    const { status, body } = await create({
      product_name: unique('Copy'),
      price: 1,
      id: nobody,
      category: { id: 9 },
      tags: [{ id: 9 }],
      created_at: '2001-01-01T00:00:00.000Z',
      updated_at: 'yesterday',
      version: 77,
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({ category: null, tags: [], version: 1 });
    expect(body.id).not.toBe(nobody);
    expect(body.created_at).not.toContain('2001');
  });

  test('When a tag id is sent twice, then it counts once', async () => {
    const tag = await make.tag();

    const { status, body } = await create({ product_name: unique('Twice'), price: 1, tagIds: [tag, tag] });

    expect(status).toBe(201);
    expect(body.tags).toHaveLength(1);
  });

  test('When category and tags do not exist, then it is 422, names them all, and nothing is created', async () => {
    const tag = await make.tag();
    const product_name = unique('Orphan');

    const { status, body } = await create({
      product_name,
      price: 1,
      category_id: nobody,
      tagIds: [nobody + 1, tag, nobody + 2],
    });

    expect(status).toBe(422);
    expect(body.code).toBe('unknown_reference');
    expect(body.errors).toMatchObject([
      { pointer: '/category_id', code: 'unknown_reference', ids: [nobody] },
      { pointer: '/tagIds', code: 'unknown_reference', ids: [nobody + 1, nobody + 2] },
    ]);
    expect(await countOf(product_name)).toBe(0);
  });

  test('When ids are larger than the database can hold, then they are unknown like any other', async () => {
    const largest = Number.MAX_SAFE_INTEGER;

    const { status, body } = await create({
      product_name: unique('Far'),
      price: 1,
      category_id: largest,
      tagIds: [largest],
    });

    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ ids: [largest] }, { ids: [largest] }]);
  });
});

describe('slug and sku', () => {
  test('When twelve products have one name, then each has a slug of its own and the first three count up', async () => {
    const slugs: string[] = [];
    for (let index = 0; index < 12; index++) {
      slugs.push((await create({ product_name: 'Plain T-Shirt', price: 1 })).body.slug);
    }

    expect(slugs.slice(0, 3)).toEqual(['plain-t-shirt', 'plain-t-shirt-2', 'plain-t-shirt-3']);
    expect(new Set(slugs).size).toBe(12);
    for (const slug of slugs) expect(slug).toMatch(/^plain-t-shirt(-\d+)?$/);
  });

  test('When the name is nothing but emoji, then the slug is made of the id', async () => {
    const { body } = await create({ product_name: '🎩🦄', price: 1 });

    expect(body.slug).toBe(`product-${body.id}`);
  });

  test('When a slug is sent, then it is taken instead of one made of the name', async () => {
    const { body } = await create({ product_name: 'Anything', slug: 'summer-2026', price: 1 });

    expect(body.slug).toBe('summer-2026');
  });

  test('When slug and sku are taken, then it is 409 and names both and who holds them', async () => {
    const bySlug = await make.product({ slug: 'taken-slug' });
    const bySku = await make.product({ sku: 'TAKEN-1' });

    const { status, body } = await create({
      product_name: unique('Late'),
      price: 1,
      slug: 'taken-slug',
      sku: 'taken-1',
    });

    expect(status).toBe(409);
    expect(body.code).toBe('duplicate');
    expect(body.errors).toEqual([
      { pointer: '/slug', code: 'duplicate', detail: `is taken by ${bySlug.id}`, id: bySlug.id },
      { pointer: '/sku', code: 'duplicate', detail: `is taken by ${bySku.id}`, id: bySku.id },
    ]);
  });

  test('When the sku is taken and the name is, too, then only the sku is to blame', async () => {
    const held = await make.product({ product_name: 'Same name', sku: 'SAME-1' });

    const { status, body } = await create({ product_name: 'Same name', price: 1, sku: 'SAME-1' });

    expect(status).toBe(409);
    expect(body.errors).toMatchObject([{ pointer: '/sku', id: held.id }]);
  });

  test('When two products have no sku, then they do not collide', async () => {
    await make.product({ sku: null });

    expect((await create({ product_name: unique('No sku'), price: 1, sku: null })).status).toBe(201);
  });

  test.each(['Not-A-Slug', 'two--hyphens', '-edge', 'edge-', 'schön', '', 'a b', 'x'.repeat(256)])(
    'When the slug is %j, then it is 400',
    async (slug) => {
      const { status, body } = await create({ product_name: unique('Slug'), price: 1, slug });

      expect(status).toBe(400);
      for (const error of body.errors) expect(error.pointer).toBe('/slug');
    },
  );
});

describe('what is no product', () => {
  test('When every field is wrong, then it is 400 and every fault is named at once', async () => {
    const { status, body } = await create({
      product_name: ' ',
      slug: 'Not A Slug',
      sku: 'x'.repeat(65),
      description: 5,
      status: 'sold',
      price: -1,
      stock: 1.5,
      category_id: 0,
      image_urls: ['https://example.com/ok.jpg', 'ftp://example.com/a.jpg'],
      metadata: [],
      tagIds: [0, 1, 'a'],
      colour: 'red',
      'a/b~c': 1,
    });

    expect(status).toBe(400);
    expect(body.code).toBe('validation_failed');
    expect(Object.fromEntries(body.errors.map(({ pointer, code }: Record<string, string>) => [pointer, code]))).toEqual(
      {
        '/product_name': 'too_short',
        '/slug': 'invalid_format',
        '/sku': 'too_long',
        '/description': 'invalid_type',
        '/status': 'invalid_value',
        '/price': 'too_small',
        '/stock': 'invalid_type',
        '/category_id': 'too_small',
        '/image_urls/1': 'invalid_format',
        '/metadata': 'invalid_type',
        '/tagIds/0': 'too_small',
        '/tagIds/2': 'invalid_type',
        '/colour': 'unknown_field',
        '/a~1b~0c': 'unknown_field',
      },
    );
  });

  test('When name and price are missing, then both are required', async () => {
    const { status, body } = await create({ stock: 1 });

    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { pointer: '/product_name', code: 'required', detail: 'is required' },
      { pointer: '/price', code: 'required', detail: 'is required' },
    ]);
  });

  test('When a field is unknown, then it is refused and the known ones are listed', async () => {
    const { status, body } = await create({ product_name: unique('Odd'), price: 1, colour: 'red' });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/colour', code: 'unknown_field' }]);
    expect(body.errors[0].allowed).toEqual(expect.arrayContaining(['product_name', 'price', 'tagIds']));
  });

  test('When the unknown field is called __proto__, then it is refused like any other', async () => {
    const { status, body } = await service.post(
      '/api/products',
      '{"product_name":"Proto","price":1,"__proto__":{"stock":3}}',
      json,
    );

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/__proto__', code: 'unknown_field' }]);
  });

  test.each(['[]', '"Basketball"', 'null', 'true', '7'])('When the body is %s, then it is no object', async (text) => {
    const { status, body } = await service.post('/api/products', text, json);

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [{ pointer: '', code: 'invalid_type', detail: 'must be a JSON object' }],
    });
  });

  test('When there is no body, then it is required', async () => {
    const { status, body } = await service.post('/api/products', undefined);

    expect(status).toBe(400);
    expect(body.errors).toEqual([{ pointer: '', code: 'required', detail: 'is required' }]);
  });
});
