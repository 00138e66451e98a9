import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type DescribedClient, describedClient } from './client.ts';

/** The classic e-commerce back end, as its Insomnia collections and clients use it, through the gateway. */
let api: DescribedClient;
const leftovers: string[] = [];
beforeAll(async () => {
  api = await describedClient();
});
afterAll(async () => {
  for (const path of leftovers.toReversed()) await api.delete(path).catch(() => undefined);
});

const run = Date.now();
let count = 0;
const unique = (name: string) => `${name} ${run}-${++count}`;

/** Creates a resource that is deleted at the end. */
async function create(resource: string, body: object) {
  const response = await api.post(`/api/${resource}`, body);
  if (response.status === 201) leftovers.push(`/api/${resource}/${response.body.id}`);
  return response;
}

describe('GET', () => {
  test.each([
    ['categories', { id: 1, category_name: 'Shirts' }, 'products'],
    ['products', { id: 1, product_name: 'Plain T-Shirt', price: 14.99, stock: 14, category_id: 1 }, 'category'],
    ['tags', { id: 1, tag_name: 'rock music' }, 'products'],
  ])(
    'When all %s are asked for, then it is a bare array of rows with their associations',
    async (resource, seed, association) => {
      const { status, body, headers } = await api.get(`/api/${resource}`);

      expect(status).toBe(200);
      expect(headers.get('content-type')).toContain('application/json');
      expect(body[0]).toMatchObject(seed);
      expect(body[0]).toHaveProperty(association);
    },
  );

  test('When a category is asked for by id, then it comes with its products', async () => {
    const { body } = await api.get('/api/categories/5');

    expect(body).toMatchObject({ category_name: 'Shoes' });
    expect(body.products).toContainEqual(
      expect.objectContaining({ id: 2, product_name: 'Running Sneakers', price: 90 }),
    );
  });

  test('When a product is asked for by id, then it comes with its category and tags', async () => {
    const { body } = await api.get('/api/products/1');

    expect(body.category).toMatchObject({ id: 1, category_name: 'Shirts' });
    expect(body.tags.map((tag: { id: number; tag_name: string }) => [tag.id, tag.tag_name])).toEqual([
      [6, 'white'],
      [7, 'gold'],
      [8, 'pop culture'],
    ]);
  });

  test('When a tag is asked for by id, then it comes with its products', async () => {
    const { body } = await api.get('/api/tags/8');

    expect(body.tag_name).toBe('pop culture');
    expect(body.products.map((product: { id: number }) => product.id)).toEqual([1, 4]);
  });

  test.each(['categories', 'products', 'tags'])('When %s has no such id, then it is 404', async (resource) => {
    expect((await api.get(`/api/${resource}/4000000`)).status).toBe(404);
  });

  test.each(['categories', 'products', 'tags'])(
    'When the path of %s ends in a slash, then it is the same list',
    async (resource) => {
      const { status, body } = await api.get(`/api/${resource}`);
      const slashed = await fetch(`${process.env.E2E_BASE_URL}/api/${resource}/`);

      expect(status).toBe(200);
      expect((await slashed.json()) as { id: number }[]).toEqual(
        expect.arrayContaining([expect.objectContaining({ id: body[0].id })]),
      );
    },
  );
});

describe('POST, PUT and DELETE', () => {
  test('When a category is created, renamed and deleted, then each step can be read back', async () => {
    const name = unique('Outerwear');
    const { status, body: created } = await create('categories', { category_name: name });
    const { body: renamed } = await api.put(`/api/categories/${created.id}`, { category_name: `${name} too` });
    const { status: deleted } = await api.delete(`/api/categories/${created.id}`);

    expect(status).toBe(201);
    expect(created).toMatchObject({ category_name: name, products: [] });
    expect(renamed.category_name).toBe(`${name} too`);
    expect(deleted).toBe(200);
    expect((await api.get(`/api/categories/${created.id}`)).status).toBe(404);
  });

  test('When a product is created with the classic body, then it has those values and tags', async () => {
    const { status, body } = await create('products', {
      product_name: unique('Basketball'),
      price: 200.0,
      stock: 3,
      category_id: 5,
      tagIds: [1, 2, 3, 4],
    });

    expect(status).toBe(201);
    expect(body).toMatchObject({ price: 200, stock: 3, category_id: 5, category: { category_name: 'Shoes' } });
    expect(body.tags.map((tag: { id: number }) => tag.id)).toEqual([1, 2, 3, 4]);
  });

  test('When a product is updated with other tagIds, then those are its tags', async () => {
    const { body: product } = await create('products', {
      product_name: unique('Ball'),
      price: '19.99',
      tagIds: [1, 2],
    });

    const { body } = await api.put(`/api/products/${product.id}`, {
      product_name: unique('Updated ball'),
      price: 25,
      tagIds: [2, 3],
    });

    expect(product.price).toBe(19.99);
    expect(body.price).toBe(25);
    expect(body.tags.map((tag: { id: number }) => tag.id)).toEqual([2, 3]);
  });

  test('When a tag is created, renamed and deleted, then each step can be read back', async () => {
    const name = unique('sale');
    const { body: created } = await create('tags', { tag_name: name });
    const { body: renamed } = await api.put(`/api/tags/${created.id}`, { tag_name: `${name} ended` });
    const { status: deleted } = await api.delete(`/api/tags/${created.id}`);

    expect(created).toMatchObject({ tag_name: name, products: [] });
    expect(renamed.tag_name).toBe(`${name} ended`);
    expect(deleted).toBe(200);
    expect((await api.get(`/api/tags/${created.id}`)).status).toBe(404);
  });

  test('When a product is sent back as it was read, then it is accepted and unchanged', async () => {
    const { body: product } = await create('products', { product_name: unique('Round trip'), price: 5, tagIds: [1] });

    const { status, body } = await api.put(`/api/products/${product.id}`, product);

    expect(status).toBe(200);
    expect(body).toEqual(product);
  });
});

describe('across the services', () => {
  test('When a tag is given its products by tagging-service, then catalog-service shows it and their version moves on', async () => {
    const { body: product } = await create('products', { product_name: unique('Lamp'), price: 5 });
    const { body: tag } = await create('tags', { tag_name: unique('bright'), productIds: [product.id] });

    const { body } = await api.get(`/api/products/${product.id}`);

    expect(tag).toMatchObject({ product_count: 1, products: [{ id: product.id }] });
    expect(body.tags).toEqual([expect.objectContaining({ id: tag.id })]);
    expect(body.version).toBe(product.version + 1);
  });

  test('When a tag is deleted, then its products stay, without it', async () => {
    const { body: tag } = await create('tags', { tag_name: unique('short-lived') });
    const { body: product } = await create('products', { product_name: unique('Candle'), price: 5, tagIds: [tag.id] });

    const { body: deleted } = await api.delete(`/api/tags/${tag.id}`);

    expect(deleted.effects).toEqual({ products_untagged: 1 });
    expect((await api.get(`/api/products/${product.id}`)).body).toMatchObject({
      tags: [],
      version: product.version + 1,
    });
  });

  test('When a category is deleted, then its products stay, without it', async () => {
    const { body: category } = await create('categories', { category_name: unique('Short-lived') });
    const { body: product } = await create('products', {
      product_name: unique('Vase'),
      price: 5,
      category_id: category.id,
    });

    const { body: deleted } = await api.delete(`/api/categories/${category.id}`);

    expect(deleted.effects).toMatchObject({ products_detached: 1, products_deleted: 0, children_moved: 0 });
    expect((await api.get(`/api/products/${product.id}`)).body).toMatchObject({ category_id: null, category: null });
  });
});

describe('reading', () => {
  test.each([
    '/api/products?q=plain+shi&price_lte=20&_sort=price&_order=desc&_fields=id,price',
    '/api/products?tag_id=1&tag_id=3&_embed=tags',
    '/api/products?category_id=1&_descendants=true&_page=1&_limit=5',
    '/api/products/facets?status=active',
    '/api/products/1?_embed=',
    '/api/categories?_sort=product_count&_order=desc&_embed=',
    '/api/categories/tree',
    '/api/tags?tag_name_like=pop&_count=exact',
  ])('When %s is read, then the answer is as it is described, and 304 for who has it', async (path) => {
    const read = async () => {
      const first = await api.get(path);
      const etag = first.headers.get('etag') ?? '';
      return {
        first,
        etag,
        again: await fetch(process.env.E2E_BASE_URL + path, { headers: { 'If-None-Match': etag } }),
      };
    };
    let { first, etag, again } = await read();
    // Another test has changed what is read: then it is no longer what this one has.
    while (again.status === 200 && again.headers.get('etag') !== etag) ({ first, etag, again } = await read());

    expect(first.status).toBe(200);
    expect(again.status).toBe(304);
  });
});

describe('safe writes', () => {
  test('When what was read has been changed by another, then it is 412 or 409, with what it is now', async () => {
    const { body: tag, headers } = await create('tags', { tag_name: unique('contended') });
    const path = `/api/tags/${tag.id}`;
    const read = { 'If-Match': headers.get('etag') ?? '' };

    const first = await api.put(path, { tag_name: unique('first') }, read);
    const second = await api.put(path, { tag_name: unique('second') }, read);
    const third = await api.patch(path, { ...tag, tag_name: unique('third') });

    expect([first.status, second.status, third.status]).toEqual([200, 412, 409]);
    expect([second.body.current, third.body.current]).toEqual([first.body, first.body]);
    expect(second.headers.get('etag')).toBe(first.headers.get('etag'));
  });

  test('When a request is sent again with its key, then it is answered again and not done again', async () => {
    const key = { 'Idempotency-Key': unique('key').replaceAll(' ', '-') };
    const body = { product_name: unique('Once'), price: 1 };
    const first = await api.post('/api/products', body, key);
    leftovers.push(`/api/products/${first.body.id}`);

    const again = await api.post('/api/products', body, key);
    const other = await api.post('/api/products', { ...body, price: 2 }, key);

    expect([again.status, again.text, again.headers.get('location')]).toEqual([
      201,
      first.text,
      first.headers.get('location'),
    ]);
    expect([first, again].map((answer) => answer.headers.get('idempotency-replayed'))).toEqual([null, 'true']);
    expect(other.body.code).toBe('idempotency_key_reused');
  });

  test('When a deletion is tried, then it is answered and nothing is deleted', async () => {
    const { body: category } = await create('categories', { category_name: unique('Tried') });

    const { status, headers, body } = await api.delete(`/api/categories/${category.id}?_dry_run=true`);

    expect(status).toBe(200);
    expect(headers.get('dry-run')).toBe('true');
    expect(body).toEqual({
      ...category,
      effects: expect.objectContaining({ products_detached: 0, children_moved: 0 }),
    });
    expect((await api.get(`/api/categories/${category.id}`)).body).toEqual(category);
  });
});
