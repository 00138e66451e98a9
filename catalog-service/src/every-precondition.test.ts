import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn, unique } from './products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const nobody = 4_000_000;
const withHeader = (name: string, value: string) => ({ headers: { [name]: value } });

describe.each(['products', 'categories'] as const)('%s', (plural) => {
  const path = async (): Promise<string> =>
    `/api/${plural}/${(plural === 'products' ? await make.product() : await make.category()).id}`;

  /** Every way to change a resource. */
  const changes: ['put' | 'patch' | 'delete', (to: string, headers: object) => ReturnType<TestService['delete']>][] = [
    ['put', (to, options) => service.put(to, { description: 'changed' }, options)],
    ['patch', (to, options) => service.patch(to, { description: 'changed' }, options)],
    ['delete', (to, options) => service.delete(to, options)],
  ];

  test.each(changes)('When a %s must not meet the version that there is, then it is 412', async (_, change) => {
    const one = await path();
    const { body: before } = await service.get(one);

    for (const named of ['*', '"1"', '"7", W/"1-read"']) {
      const { status, body } = await change(one, withHeader('If-None-Match', named));
      expect([status, body.code, body.current]).toEqual([412, 'precondition_failed', before]);
      expect(body.errors).toMatchObject([{ header: 'If-None-Match' }]);
    }
    expect((await service.get(one)).body).toEqual(before);
  });

  test.each(changes)('When a %s must not meet another version, then it is done', async (_, change) => {
    expect((await change(await path(), withHeader('If-None-Match', '"2-other"'))).status).toBe(200);
  });

  test.each(changes)('When a %s must not meet anything and there is nothing, then it is 404', async (_, change) => {
    expect((await change(`/api/${plural}/${nobody}`, withHeader('If-None-Match', '*'))).status).toBe(404);
  });

  test.each(changes)('When a %s depends on a time, then it is refused', async (_, change) => {
    const { status, body } = await change(
      await path(),
      withHeader('If-Unmodified-Since', 'Fri, 01 Jan 2100 00:00:00 GMT'),
    );

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ header: 'If-Unmodified-Since', code: 'unsupported_precondition' }]);
  });

  test('When the tag is the right one but weak, then the answer says that it is weak', async () => {
    const { status, body } = await service.put(await path(), {}, withHeader('If-Match', 'W/"1-weak"'));

    expect([status, body.errors[0].detail]).toEqual([412, expect.stringContaining('weak')]);
  });

  test('When a delete has a version in its body, then that one is deleted and no other', async () => {
    const one = await path();

    const other = await service.delete(one, { body: { version: 99 } });
    const same = await service.delete(one, { body: { version: 1 } });

    expect([other.status, other.body.code, other.body.current.version]).toEqual([409, 'version_conflict', 1]);
    expect(same.status).toBe(200);
  });

  test.each<[unknown, string, string]>([
    [{ products: 'reject' }, '/products', 'unknown_field'],
    [{ version: '1' }, '/version', 'invalid_type'],
    [{ id: nobody }, '/id', 'id_mismatch'],
    [[1], '', 'invalid_type'],
  ])('When the body of a delete is %j, then it is 400 and nothing is deleted', async (sent, pointer, code) => {
    const one = await path();

    const { status, body } = await service.delete(one, { body: sent });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer, code }]);
    expect((await service.get(one)).status).toBe(200);
  });

  test('When the body of a delete is of another type than JSON, then it is 415', async () => {
    const { status } = await service.delete(await path(), {
      body: 'version=99',
      headers: { 'Content-Type': 'text/plain' },
    });

    expect(status).toBe(415);
  });

  test('When a delete says that it has JSON and has nothing, then it is done', async () => {
    expect((await service.delete(await path(), withHeader('Content-Type', 'application/json'))).status).toBe(200);
  });

  test.each(['If-Match', 'If-None-Match', 'If-Unmodified-Since'])(
    'When a create or a batch has %s, then it is refused and does nothing',
    async (header) => {
      const name = unique('Guarded');
      const fields = plural === 'products' ? { product_name: name, price: 1 } : { category_name: name };
      const options = withHeader(header, '*');

      const answers = [
        await service.post(`/api/${plural}`, fields, options),
        await service.post(`/api/${plural}/batch`, { create: [fields] }, options),
      ];

      for (const { status, body } of answers) {
        expect(status).toBe(400);
        expect(body.errors).toMatchObject([{ header, code: 'unsupported_precondition' }]);
      }
      const found = await service.get(`/api/${plural}?${plural === 'products' ? 'product' : 'category'}_name=${name}`);
      expect(found.body).toEqual([]);
    },
  );
});

describe('stock', () => {
  const take = (id: number, headers: Record<string, string> = {}) =>
    service.post(`/api/products/${id}/stock`, { delta: -1 }, { headers });

  test('When the product has moved on, then its stock is not changed', async () => {
    const { id } = await make.product({ stock: 5 });
    await take(id);

    const old = await take(id, { 'If-Match': '"1-read"' });
    const any = await take(id, { 'If-None-Match': '*' });
    const current = await take(id, { 'If-Match': '"2-read"' });

    expect([old.status, old.body.current]).toMatchObject([412, { id, stock: 4, version: 2 }]);
    expect([any.status, current.status, current.body.stock]).toEqual([412, 201, 3]);
  });

  test('When there is no such product, then it is 404 whatever is expected', async () => {
    expect((await take(nobody, { 'If-Match': '"1"' })).status).toBe(404);
  });

  test('When ten take from the version that they have read, then one does', async () => {
    const { id } = await make.product({ stock: 50 });

    const answers = await Promise.all(Array.from({ length: 10 }, () => take(id, { 'If-Match': '"1"' })));

    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array(9).fill(412)]);
    expect((await make.ledgerOf(id)).sum).toBe(49);
  });

  test('When changes have to say what they change, then a stock is still taken from without', async () => {
    const { database } = service;
    const strict = await startTestService(catalogService, { database, requirePrecondition: true });
    const { id } = await make.product();

    const { status } = await strict.post(`/api/products/${id}/stock`, { delta: 1 });

    await strict.stop();
    expect(status).toBe(201);
  });
});
