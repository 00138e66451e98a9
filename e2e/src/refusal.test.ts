import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type DescribedClient, describedClient } from './client.ts';

const name = `Refused ${Date.now()}`;
const nameFields = { categories: 'category_name', products: 'product_name', tags: 'tag_name' };
type Resource = keyof typeof nameFields;

let api: DescribedClient;
/** The ids of a category, a product and a tag that have this name. */
const own = { categories: 0, products: 0, tags: 0 };
const pathOf = (resource: Resource) => `/api/${resource}/${own[resource]}`;
beforeAll(async () => {
  api = await describedClient();
  own.categories = (await api.post('/api/categories', { category_name: name })).body.id;
  own.products = (await api.post('/api/products', { product_name: name, price: 1 })).body.id;
  own.tags = (await api.post('/api/tags', { tag_name: name })).body.id;
});
afterAll(async () => {
  for (const resource of Object.keys(own) as Resource[]) await api.delete(pathOf(resource));
});

/** Each case: what is sent, by which method, to which resource, and its body. With PUT it is sent to the one of this test. */
const cases: [string, 'post' | 'put', Resource, () => unknown, number, string][] = [
  ['no price', 'post', 'products', () => ({ product_name: `${name} too` }), 400, 'validation_failed'],
  ['a body that is not JSON', 'post', 'products', () => `{"price":1,"product_name":"${name} too"`, 400, 'invalid_json'],
  [
    'a price with three decimals',
    'post',
    'products',
    () => ({ product_name: `${name} too`, price: 1.005 }),
    400,
    'validation_failed',
  ],
  [
    'a category that does not exist',
    'post',
    'products',
    () => ({ product_name: `${name} too`, price: 1, category_id: 4_000_000 }),
    422,
    'unknown_reference',
  ],
  [
    'tags that do not exist',
    'post',
    'products',
    () => ({ product_name: `${name} too`, price: 1, tagIds: [1, 4_000_000] }),
    422,
    'unknown_reference',
  ],
  ['the name of a sibling', 'post', 'categories', () => ({ category_name: name.toUpperCase() }), 409, 'duplicate'],
  ['the name of another tag', 'post', 'tags', () => ({ tag_name: name.toUpperCase() }), 409, 'duplicate'],
  ['itself as its parent', 'put', 'categories', () => ({ parent_id: own.categories }), 409, 'category_cycle'],
  ['the id of another product', 'put', 'products', () => ({ id: own.products + 1 }), 400, 'validation_failed'],
  ['products that do not exist', 'put', 'tags', () => ({ productIds: [4_000_000] }), 422, 'unknown_reference'],
];

test.each(cases)(
  'When %s is sent, then it is refused by its code and nothing changes',
  async (_what, method, resource, body, status, code) => {
    // Others write to the same stack meanwhile.
    const named = `/api/${resource}?${nameFields[resource]}_like=${encodeURIComponent(name)}`;
    const before = await api.get(named);

    const path = method === 'put' ? pathOf(resource) : `/api/${resource}`;
    const response = await api[method](path, body(), { 'Content-Type': 'application/json' });

    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.body).toMatchObject({ code, status, type: `/problems/${code}` });
    expect(response.text).not.toMatch(/sql|select |insert |sequelize|node_modules|127\.0\.0\.1|mysql/i);
    expect(before.body).toMatchObject([{ id: own[resource] }]);
    expect((await api.get(named)).text).toBe(before.text);
  },
);

test('When a form is sent in the place of JSON, then it is 415', async () => {
  const form = 'product_name=x';
  const response = await api.post('/api/products', form, { 'Content-Type': 'application/x-www-form-urlencoded' });

  expect(response.body.code).toBe('unsupported_media_type');
});
