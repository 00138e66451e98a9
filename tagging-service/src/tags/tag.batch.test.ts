import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(taggingService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const path = '/api/tags/batch';
const named = (fields: Record<string, unknown> = {}) => ({ tag_name: unique('Batch'), ...fields });
const statusesOf = (items: { status: number }[]) => items.map(({ status }) => status);
const read = async (id: number) => (await service.get(`/api/tags/${id}`)).body;

describe('a batch of tags', () => {
  test('When there is one of each, then each is answered as it would be alone', async () => {
    const products = await make.products(3);
    const [changed, gone] = [await make.tag({ productIds: products }), await make.tag({ productIds: products })];

    const { status, body } = await service.post(path, {
      create: [named({ productIds: products })],
      update: [{ id: changed.id, version: 1, productIds: [products[0]] }],
      delete: [{ id: gone.id, version: 1 }],
    });

    expect(status).toBe(200);
    expect([body.create, body.update, body.delete].map(statusesOf)).toEqual([[201], [200], [200]]);
    expect(body.create[0].resource).toEqual(await read(body.create[0].resource.id));
    expect(body.update[0].resource).toMatchObject({ product_count: 1, version: 2 });
    expect(body.delete[0].resource).toMatchObject({ id: gone.id, effects: { products_untagged: 3 } });
    expect(await make.linksOf(gone.id)).toBe(0);
  });

  test('When names are taken, also by one another, then nothing changes, and each is named', async () => {
    const held = await make.tag();
    const before = await allRows(service.database);

    const { status, body } = await service.post(path, {
      create: [named({ tag_name: held.tag_name }), named({ tag_name: 'Crème' }), named({ tag_name: 'creme' })],
      update: [{ id: held.id, version: 2 }],
    });

    expect([status, body.code]).toEqual([422, 'batch_failed']);
    expect(body.errors).toMatchObject([
      { pointer: '/create/0/tag_name', code: 'duplicate', id: held.id },
      { pointer: '/create/2/tag_name', code: 'duplicate', detail: 'is taken by /create/1' },
      { pointer: '/update/0/version', code: 'version_conflict' },
    ]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When some are refused, then the others are kept, and the refused leave no trace in products', async () => {
    const [first, second] = (await make.products(2)) as [number, number];
    const tag = await make.tag();

    const { body } = await service.post(`${path}?_on_error=continue`, {
      create: [named({ productIds: [first, 4_000_000] }), named({ productIds: [second] })],
      update: [{ id: tag.id, tag_name: 'Batch kept' }],
    });

    expect([body.create, body.update].map(statusesOf)).toEqual([[422, 201], [200]]);
    expect(body.create[0].problem.errors).toMatchObject([{ pointer: '/create/0/productIds', ids: [4_000_000] }]);
    expect([await make.versionOf(first), await make.versionOf(second)]).toEqual([1, 2]);
  });

  test('When batches share out the same products between tags at once, then all are done and each version counts', async () => {
    const products = await make.products(4);
    const tags = await Promise.all([make.tag(), make.tag()]);

    const answers = await atOnce(10, (index) =>
      service.post(path, {
        create: [named({ productIds: index % 2 ? products : products.toReversed() })],
        update: (index % 2 ? tags : tags.toReversed()).map(({ id }) => ({ id, tag_name: unique('Shared') })),
      }),
    );

    expect(statusesOf(answers)).toEqual(Array(10).fill(200));
    expect(await Promise.all(products.map(make.versionOf))).toEqual([11, 11, 11, 11]);
    expect((await Promise.all(tags.map(({ id }) => read(id)))).map(({ version }) => version)).toEqual([11, 11]);
  });

  test('When it is tried with a key, then nothing changes and the key is free', async () => {
    const before = await allRows(service.database);
    const body = { create: [named()] };
    const options = { headers: { 'Idempotency-Key': 'tag-batch' } };

    const tried = await service.post(`${path}?_dry_run=true`, body, options);
    const after = await allRows(service.database);
    const done = await service.post(path, body, options);
    const again = await service.post(path, body, options);

    expect(after).toEqual(before);
    expect([tried.status, done.status, again.text]).toEqual([200, 200, done.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
  });
});
