import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from '../products/testing.ts';

/** What a deletion did, in a shape that never changes. */
const nothing = {
  products_detached: 0,
  products_reassigned: 0,
  products_deleted: 0,
  tags_detached: 0,
  children_moved: 0,
};

/** What differs from one run of a write to the next. */
const timeless = (text: string): string => text.replaceAll(/"(\w+_at)":"[^"]+"/g, '"$1":"now"');

describe.each([
  ['in one transaction', 1_000],
  ['in steps of 3', 3],
])('%s', (_, stepSize) => {
  let service: TestService;
  let make: ReturnType<typeof rowsIn>;
  beforeAll(async () => {
    service = await startTestService(catalogService, { stepSize });
    make = rowsIn(service);
  });
  afterAll(() => service.stop());

  const child = async (parent_id: number, category_name = unique('Child')) =>
    (await service.post('/api/categories', { category_name, parent_id })).body;
  const read = async (path: string) => (await service.get(path)).body;

  /** A category with eight products, of which the first has two tags, and one child. */
  async function filled() {
    const category = await make.category();
    const tagIds = [await make.tag(), await make.tag()];
    const products: number[] = [];
    for (let index = 0; index < 8; index++) {
      const fields = { category_id: category.id, stock: 1, ...(index === 0 ? { tagIds } : {}) };
      products.push((await make.product(fields)).id);
    }
    return { path: `/api/categories/${category.id}`, id: category.id, products, child: await child(category.id) };
  }

  const places = (ids: number[]) =>
    Promise.all(
      ids.map(async (id) => {
        const { category_id, version } = await read(`/api/products/${id}`);
        return { category_id, version };
      }),
    );

  test.each(['', '?products=detach'])(
    'When it is deleted with "%s", then its products have no category and its children move up',
    async (query) => {
      const { path, products, child } = await filled();
      const before = await read(path);

      const { status, body } = await service.delete(path + query);

      expect(status).toBe(200);
      expect(body).toEqual({ ...before, effects: { ...nothing, products_detached: 8, children_moved: 1 } });
      expect(await places(products)).toEqual(Array(8).fill({ category_id: null, version: 2 }));
      expect(await read(`/api/categories/${child.id}`)).toMatchObject({ parent_id: null, version: 2 });
      expect((await service.get(path)).status).toBe(404);
    },
  );

  test('When its products are reassigned to its child, then they are there and have moved on by one', async () => {
    const { path, products, child } = await filled();

    const { status, body } = await service.delete(`${path}?products=reassign:${child.id}`);

    expect(status).toBe(200);
    expect(body).toMatchObject({ product_count: 8 });
    expect(body.effects).toEqual({ ...nothing, products_reassigned: 8, children_moved: 1 });
    expect(await places(products)).toEqual(Array(8).fill({ category_id: child.id, version: 2 }));
    expect(await read(`/api/categories/${child.id}`)).toMatchObject({ parent_id: null, product_count: 8 });
  });

  test('When its products are deleted, too, then they, their links and ledgers are gone, and no others', async () => {
    const { path, products } = await filled();
    const other = await make.product({ category_id: (await make.category()).id, tagIds: [await make.tag()] });

    const { status, body } = await service.delete(`${path}?products=delete`);

    expect(status).toBe(200);
    expect(body.products).toHaveLength(8);
    expect(body.effects).toEqual({ ...nothing, products_deleted: 8, tags_detached: 2, children_moved: 1 });
    for (const id of products) expect((await service.get(`/api/products/${id}`)).status).toBe(404);
    expect(await make.linksOf(products[0] as number)).toBe(0);
    expect((await make.ledgerOf(products[0] as number)).movements).toEqual([]);
    expect(await read(`/api/products/${other.id}`)).toEqual(other);
  });

  test('When it is rejected with products, then it is 409 category_not_empty and nothing changes', async () => {
    const { path, id } = await filled();
    const before = await allRows(service.database);

    const { status, body } = await service.delete(`${path}?products=reject`);

    expect(status).toBe(409);
    expect(body).toMatchObject({ code: 'category_not_empty', detail: `Category ${id} has 8 products.` });
    expect(body.errors).toMatchObject([{ parameter: 'products', code: 'category_not_empty' }]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When it is rejected without products, then its children do not keep it', async () => {
    const { id } = await make.category();
    const { id: childId } = await child(id);

    const { status, body } = await service.delete(`/api/categories/${id}?products=reject`);

    expect([status, body.effects]).toEqual([200, { ...nothing, children_moved: 1 }]);
    expect((await read(`/api/categories/${childId}`)).parent_id).toBeNull();
  });

  test.each([
    ['an unknown category', 422, 'unknown_reference', async () => ({ query: '?products=reassign:4000000' })],
    ['itself', 400, 'invalid_value', async (id: number) => ({ query: `?products=reassign:${id}` })],
    ['an old version', 412, 'precondition_failed', async () => ({ query: '', headers: { 'If-Match': '"7-old"' } })],
    ['a name that a child has one level up', 409, 'duplicate', withTwin],
  ])('When it is refused for %s, then it is %i %s and nothing changes', async (_, expected, code, prepare) => {
    const { path, id } = await filled();
    const { query, headers } = (await prepare(id)) as { query: string; headers?: Record<string, string> };
    const before = await allRows(service.database);

    const { status, body } = await service.delete(path + query, headers ? { headers } : {});

    expect([status, body.errors[0].code]).toEqual([expected, code]);
    expect(body).not.toHaveProperty('effects');
    expect(await allRows(service.database)).toEqual(before);
  });

  async function withTwin(id: number) {
    const category_name = unique('Twin');
    await child(id, category_name);
    await service.post('/api/categories', { category_name });
    return { query: '' };
  }

  test('When children have names that are taken one level up, then each is named with the holder', async () => {
    const top = (await make.category()).id;
    const { id } = await child(top);
    const twins = [];
    for (const name of [unique('twin'), unique('twin')]) {
      twins.push([(await child(id, name)).id, (await child(top, name.toUpperCase())).id]);
    }

    const { body } = await service.delete(`/api/categories/${id}`);
    const batch = await service.post('/api/categories/batch', { delete: [id] });

    expect(body.detail).toBe(`Children of category ${id} would have the same names as their new siblings.`);
    const errors = twins.map(([moved, holder]) => ({
      code: 'duplicate',
      detail: `would move up child ${moved}, whose name is taken by ${holder}`,
      id: holder,
    }));
    expect(body.errors).toEqual(errors);
    expect(batch.body.errors).toEqual(errors.map((fault) => ({ ...fault, pointer: '/delete/0' })));
  });

  test('When a target is unknown, then the fault names the parameter and the id', async () => {
    const { path } = await filled();

    const { body } = await service.delete(`${path}?products=reassign:4000000`);

    expect(body.errors).toEqual([
      {
        parameter: 'products',
        code: 'unknown_reference',
        detail: 'refers to 4000000, which does not exist',
        ids: [4_000_000],
      },
    ]);
  });

  test.each(['', 'keep', 'reassign', 'reassign:', 'reassign:0', 'reassign:x', 'detach&products=delete'])(
    'When products is "%s", then it is 400 and the category stays',
    async (policy) => {
      const { id } = await make.category();

      const { status, body } = await service.delete(`/api/categories/${id}?products=${policy}`);

      expect([status, body.errors[0].parameter]).toEqual([400, 'products']);
      expect((await service.get(`/api/categories/${id}`)).status).toBe(200);
    },
  );

  test.each(['detach', 'delete', 'reassign'])(
    'When %s is tried, then no row changes, and the real one is answered the same',
    async (policy) => {
      const { path } = await filled();
      const products = policy === 'reassign' ? `reassign:${(await make.category()).id}` : policy;
      const before = await allRows(service.database);

      const tried = await service.delete(`${path}?products=${products}&_dry_run=true`);
      const after = await allRows(service.database);
      const done = await service.delete(`${path}?products=${products}`);

      expect(after).toEqual(before);
      expect([tried.status, timeless(tried.text)]).toEqual([200, timeless(done.text)]);
      expect(tried.headers.get('dry-run')).toBe('true');
    },
  );

  test('When a batch deletes it, then its products have no category and its children move up', async () => {
    const { path, id, products } = await filled();
    const before = await read(path);

    const { body } = await service.post('/api/categories/batch', { delete: [id] });

    const effects = { ...nothing, products_detached: 8, children_moved: 1 };
    expect(body.delete).toEqual([{ status: 200, resource: { ...before, effects } }]);
    expect(await places(products)).toEqual(Array(8).fill({ category_id: null, version: 2 }));
  });

  test('When a batch that deletes it is refused, then nothing changes', async () => {
    const { id } = await filled();
    const before = await allRows(service.database);

    const { status, body } = await service.post('/api/categories/batch', { delete: [id, 4_000_000] });

    expect([status, body.code]).toEqual([422, 'batch_failed']);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a deletion is sent again with its key, then it is answered as the first time', async () => {
    const { path, products } = await filled();
    const send = () => service.delete(path, { headers: { 'Idempotency-Key': `remove-${path}` } });
    const first = await send();

    const again = await send();

    expect([first.status, again.status, again.text]).toEqual([200, 200, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(await places(products)).toEqual(Array(8).fill({ category_id: null, version: 2 }));
  });
});
