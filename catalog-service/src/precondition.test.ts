import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resourceServiceConfig } from '@shop/resources/resource-service.ts';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const nobody = 4_000_000;
const etagOf = async (path: string): Promise<string> => (await service.get(path)).headers.get('etag') ?? '';
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted();
const ifMatch = (etag: string) => ({ headers: { 'If-Match': etag } });

describe.each(['products', 'categories'] as const)('%s', (plural) => {
  /** The path of a new resource with all that it can embed. */
  async function path(): Promise<string> {
    const category = await make.category();
    const product = await make.product({ category_id: category.id, tagIds: [await make.tag()] });
    return `/api/${plural}/${plural === 'products' ? product.id : category.id}`;
  }

  test('When 50 clients change the same version, then one does and 49 are told what it is now', async () => {
    const one = await path();

    const answers = await atOnce(50, (index) => service.put(one, { version: 1, description: `change ${index}` }));

    expect(statusesOf(answers)).toEqual([200, ...Array(49).fill(409)]);
    const current = (await service.get(one)).body;
    expect(current.version).toBe(2);
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map(({ body }) => [body.code, body.current])).toEqual(Array(49).fill(['version_conflict', current]));
  });

  test('When 50 clients change what they have read by its entity tag, then one does and 49 are 412', async () => {
    const one = await path();
    const etag = await etagOf(one);

    const answers = await atOnce(50, (index) => service.patch(one, { description: `change ${index}` }, ifMatch(etag)));

    expect(statusesOf(answers)).toEqual([200, ...Array(49).fill(412)]);
    const { body: current, headers } = await service.get(one);
    const refused = answers.filter(({ status }) => status === 412);
    expect(refused.map(({ body }) => [body.code, body.current])).toEqual(
      Array(49).fill(['precondition_failed', current]),
    );
    expect(refused[0]?.headers.get('etag')).toBe(headers.get('etag'));
  });

  test('When 50 clients delete what they have read and one changes it, then one of the two is done', async () => {
    const one = await path();
    const etag = await etagOf(one);

    const [changed, ...deleted] = await Promise.all([
      service.put(one, { description: 'changed' }, ifMatch(etag)),
      ...Array.from({ length: 50 }, () => service.delete(one, ifMatch(etag))),
    ]);

    const done = [changed, ...deleted].filter(({ status }) => status === 200);
    expect(done).toHaveLength(1);
    const refusal = changed.status === 200 ? 412 : 404;
    expect(statusesOf(deleted).filter((status) => status !== 200 && status !== refusal)).toEqual([]);
  });

  test('When a write is answered, then its entity tag is that of a GET, and the next write goes on with it', async () => {
    const one = await path();

    const first = await service.put(one, { description: 'first' });
    const second = await service.put(one, { description: 'second' }, ifMatch(first.headers.get('etag') ?? ''));

    expect(second.status).toBe(200);
    expect(second.headers.get('etag')).toBe(await etagOf(one));
  });

  test('When only a part was read, then its entity tag is as good', async () => {
    const one = await path();

    for (const part of ['?_embed=', '?_fields=id']) {
      const { status } = await service.patch(one, { description: part }, ifMatch(await etagOf(one + part)));
      expect([part, status]).toEqual([part, 200]);
    }
  });

  test.each([
    ['*', 200],
    ['"9-old", "1-mine"', 200],
    ['"1"', 200],
    ['W/"1-weak"', 412],
    ['"2-next"', 412],
    ['"something else"', 400],
    ['1', 400],
    ['"1" "2"', 400],
    ['', 400],
  ])('When If-Match is %s, then a change of version 1 is %i', async (header, expected) => {
    const one = await path();

    const { status, body } = await service.put(one, { description: 'changed' }, ifMatch(header));

    expect(status).toBe(expected);
    if (status === 400) expect(body.errors).toMatchObject([{ header: 'If-Match', code: 'invalid_format' }]);
    expect((await service.get(one)).body.version).toBe(status === 200 ? 2 : 1);
  });

  test('When If-Match is right and version is not, or the other way round, then nothing changes', async () => {
    const one = await path();

    const wrongVersion = await service.put(one, { version: 7, description: 'x' }, ifMatch('"1"'));
    const wrongTag = await service.put(one, { version: 1, description: 'x' }, ifMatch('"7"'));

    expect([wrongVersion.body.code, wrongTag.body.code]).toEqual(['version_conflict', 'precondition_failed']);
    expect((await service.get(one)).body.version).toBe(1);
  });

  test.each([0, -1, 1.5, '1', null])('When version is %j, then it is 400', async (version) => {
    const { status, body } = await service.put(await path(), { version });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/version' }]);
  });

  test('When all of a request is wrong, then every fault is named at once', async () => {
    const headers = { 'If-Match': 'x', 'Idempotency-Key': 'two words' };
    const { body } = await service.put(`${await path()}?_dry_run=maybe&_x=1`, { version: 0 }, { headers });

    const places = body.errors.map((fault: Record<string, string>) => fault.header ?? fault.parameter ?? fault.pointer);
    expect(places.toSorted()).toEqual(['/version', 'Idempotency-Key', 'If-Match', '_dry_run', '_x']);
  });

  test('When there is none of this id, then it is 404 whatever is expected', async () => {
    const nowhere = `/api/${plural}/${nobody}`;
    const answers = [
      await service.put(nowhere, { version: 3 }),
      await service.patch(nowhere, {}, ifMatch('*')),
      await service.delete(nowhere, ifMatch('"1"')),
    ];

    expect(statusesOf(answers)).toEqual([404, 404, 404]);
  });
});

describe('what moves a version on', () => {
  test('When the category of a product was renamed, then who has read the product may still change it', async () => {
    const category = await make.category();
    const product = await make.product({ category_id: category.id });
    const etag = await etagOf(`/api/products/${product.id}`);
    await service.put(`/api/categories/${category.id}`, { description: 'new' });

    const { status } = await service.put(`/api/products/${product.id}`, { stock: 3 }, ifMatch(etag));

    expect(status).toBe(200);
  });

  test('When its category was deleted, then who has read the product is told', async () => {
    const category = await make.category();
    const product = await make.product({ category_id: category.id });
    await service.delete(`/api/categories/${category.id}`);

    const { status, body } = await service.put(`/api/products/${product.id}`, { ...product, stock: 3 });

    expect(status).toBe(409);
    expect(body.current).toMatchObject({ id: product.id, category_id: null, version: 2 });
  });

  test('When a product is sent what it has already, in every form, then nothing changes', async () => {
    const tags = [await make.tag(), await make.tag()];
    const fields = {
      price: 12.5,
      image_urls: ['https://images.example.com/a.jpg', 'https://images.example.com/b.jpg'],
      metadata: { a: { b: [1, null] }, c: 'd' },
      tagIds: tags,
      category_id: (await make.category()).id,
    };
    const product = await make.product(fields);
    const path = `/api/products/${product.id}`;

    for (const same of [
      {},
      fields,
      { price: '12.50' },
      { tagIds: [tags[1], tags[0], tags[1]] },
      { metadata: { c: 'd', a: { b: [1, null] } } },
      { version: 1, image_urls: [...fields.image_urls] },
    ]) {
      const { status, body } = await service.put(path, same);
      expect([same, status, body]).toEqual([same, 200, product]);
    }
  });

  test('When a category is sent what it has already, then nothing changes', async () => {
    const category = await make.category();

    for (const same of [{}, { category_name: category.category_name, parent_id: null, position: category.position }]) {
      expect((await service.patch(`/api/categories/${category.id}`, same)).body).toEqual(category);
    }
  });
});

describe('where a precondition is required', () => {
  test.each([
    [{}, false],
    [{ REQUIRE_PRECONDITION: 'false' }, false],
    [{ REQUIRE_PRECONDITION: 'true' }, true],
  ])('When the settings are %j, then it is: %s', (env, expected) => {
    const config = resourceServiceConfig(catalogService, { DB_HOST: 'nowhere', DB_USER: 'nobody', ...env });

    expect(config.requirePrecondition).toBe(expected);
  });

  let strict: TestService;
  beforeAll(async () => {
    strict = await startTestService(catalogService, { database: service.database, requirePrecondition: true });
  });
  afterAll(() => strict.stop());

  test('When a change says nothing of a version, then it is 428 and nothing changes', async () => {
    const product = await make.product();
    const path = `/api/products/${product.id}`;

    const answers = [
      await strict.put(path, { stock: 1 }),
      await strict.patch(path, { stock: 1 }),
      await strict.delete(path),
    ];

    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      Array(3).fill([428, 'precondition_required']),
    );
    expect((await strict.get(path)).body).toEqual(product);
  });

  test('When a change says which version it is of, then it is done', async () => {
    const path = `/api/products/${(await make.product()).id}`;

    expect((await strict.put(path, { stock: 1, version: 1 })).status).toBe(200);
    expect((await strict.patch(path, { stock: 2 }, ifMatch('"2"'))).status).toBe(200);
    expect((await strict.delete(path, ifMatch('*'))).status).toBe(200);
  });

  test('When something is created or does not exist, then nothing is required', async () => {
    expect((await strict.post('/api/categories', { category_name: 'Free to come' })).status).toBe(201);
    expect((await strict.delete(`/api/products/${nobody}`)).status).toBe(404);
  });
});
