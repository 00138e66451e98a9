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

const pathOf = ({ id }: { id: number }) => `/api/tags/${id}`;
const etagOf = async (path: string): Promise<string> => (await service.get(path)).headers.get('etag') ?? '';
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted();
const ifMatch = (etag: string) => ({ headers: { 'If-Match': etag } });
const keyed = (key: string) => ({ headers: { 'Idempotency-Key': key } });

describe('preconditions', () => {
  test('When 50 clients change the same version, then one does and 49 are told what it is now', async () => {
    const path = pathOf(await make.tag());

    const answers = await atOnce(50, () => service.put(path, { version: 1, tag_name: unique('Winner') }));

    expect(statusesOf(answers)).toEqual([200, ...Array(49).fill(409)]);
    const current = (await service.get(path)).body;
    const refused = answers.filter(({ status }) => status === 409);
    expect(refused.map(({ body }) => body.current)).toEqual(Array(49).fill(current));
  });

  test('When 50 clients change what they have read by its entity tag, then one does and 49 are 412', async () => {
    const path = pathOf(await make.tag({ productIds: await make.products(2) }));
    const etag = await etagOf(path);

    const answers = await atOnce(50, () => service.put(path, { tag_name: unique('Winner') }, ifMatch(etag)));

    expect(statusesOf(answers)).toEqual([200, ...Array(49).fill(412)]);
    expect((await service.get(path)).body.version).toBe(2);
  });

  test('When a write is answered, then its entity tag is that of a GET', async () => {
    const productIds = await make.products(2);
    const created = await service.post('/api/tags', { tag_name: unique('Tag'), productIds });
    const path = pathOf(created.body);
    expect(created.headers.get('etag')).toBe(await etagOf(path));

    const changed = await service.put(path, { productIds: [productIds[0]] }, ifMatch(await etagOf(path)));

    expect(changed.headers.get('etag')).toBe(await etagOf(path));
  });

  test('When what a client has read is gone or has moved on, then it is not deleted', async () => {
    const path = pathOf(await make.tag());
    await service.put(path, { tag_name: unique('Renamed') });

    const { status, body } = await service.delete(path, ifMatch('"1-old"'));

    expect(status).toBe(412);
    expect(body.current).toEqual((await service.get(path)).body);
    expect((await service.delete(path, ifMatch('"2"'))).status).toBe(200);
    expect((await service.delete(path, ifMatch('"2"'))).status).toBe(404);
  });

  test('When a tag is sent what it has already, then neither it nor its products move on', async () => {
    const productIds = await make.products(2);
    const tag = await make.tag({ productIds });

    for (const same of [{}, { version: 1 }, { tag_name: tag.tag_name, productIds: productIds.toReversed() }]) {
      expect((await service.put(pathOf(tag), same)).body).toEqual(tag);
    }
    expect(await Promise.all(productIds.map(make.versionOf))).toEqual([2, 2]);
  });
});

describe('dry run', () => {
  test('When every write is tried, then the answers are the real ones and no row changes', async () => {
    const [tag, productIds] = [await make.tag({ productIds: await make.products(1) }), await make.products(2)];
    const path = pathOf(tag);
    const name = unique('Tried');
    const before = await allRows(service.database);

    const answers = [
      await service.post('/api/tags?_dry_run=true', { tag_name: name, productIds }),
      await service.put(`${path}?_dry_run=true`, { tag_name: name, productIds }),
      await service.patch(`${path}?_dry_run=true`, { productIds: [] }),
      await service.delete(`${path}?_dry_run=true`),
    ];

    expect(await allRows(service.database)).toEqual(before);
    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
    expect(answers.map(({ headers }) => headers.get('dry-run'))).toEqual(Array(4).fill('true'));
    expect(answers.map(({ body }) => [body.version, body.product_count])).toEqual([
      [1, 2],
      [2, 2],
      [2, 0],
      [1, 1],
    ]);
    expect(answers[3]?.body.effects).toEqual({ products_untagged: 1 });
  });
});

describe('idempotency keys', () => {
  test('When 50 clients create a tag with the same key, then there is one, and all are told of it or to wait', async () => {
    const body = { tag_name: unique('Once'), productIds: await make.products(1) };

    const answers = await atOnce(50, () => service.post('/api/tags', body, keyed('tag-once')));

    const created = answers.filter(({ status }) => status === 201);
    const waiting = answers.filter((answer) => answer.body.code === 'request_in_progress');
    expect(created.length + waiting.length).toBe(50);
    expect(new Set(created.map(({ text }) => text)).size).toBe(1);
    expect(await service.database.db.models.tag.count({ where: { tag_name: body.tag_name } })).toBe(1);
  });

  test('When a deletion is sent again with its key, then it is answered as the first time', async () => {
    const path = pathOf(await make.tag({ productIds: await make.products(1) }));
    const first = await service.delete(path, keyed('delete-once'));

    const again = await service.delete(path, keyed('delete-once'));

    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect((await service.delete(path)).status).toBe(404);
  });
});
