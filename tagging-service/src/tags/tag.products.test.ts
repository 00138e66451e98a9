import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { untilRunning, whileLocked } from '@shop/testing/database.ts';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(taggingService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const nobody = 4_000_000;
const pathOf = ({ id }: { id: number }) => `/api/tags/${id}`;
const change = (tag: { id: number }, body: unknown, options = {}) =>
  service.post(`${pathOf(tag)}/products`, body, options);
const versionsOf = (ids: number[]) => Promise.all(ids.map((id) => make.versionOf(id)));

describe('products of a tag', () => {
  test('When some are added and some removed, then only those whose links change move on', async () => {
    const [stays, goes, comes, free] = (await make.products(4)) as [number, number, number, number];
    const tag = await make.tag({ productIds: [stays, goes] });

    const { status, headers, body } = await change(tag, { add: [stays, comes, comes], remove: [goes, free] });

    const now = await service.get(pathOf(tag));
    expect(status).toBe(200);
    expect(body).toEqual({ ...now.body, effects: { products_tagged: 1, products_untagged: 1 } });
    expect(now.body.products.map(({ id }: { id: number }) => id)).toEqual([stays, comes]);
    expect(now.body).toMatchObject({ product_count: 2, version: 2 });
    expect(headers.get('etag')).toBe(now.headers.get('etag'));
    expect(await versionsOf([stays, goes, comes, free])).toEqual([2, 3, 2, 1]);
  });

  test('When all is so already, then nothing changes', async () => {
    const [linked, free] = (await make.products(2)) as [number, number];
    const tag = await make.tag({ productIds: [linked] });
    const before = await allRows(service.database);

    const { status, body } = await change(tag, { add: [linked], remove: [free] });

    expect(status).toBe(200);
    expect(body).toEqual({ ...tag, effects: { products_tagged: 0, products_untagged: 0 } });
    expect(await allRows(service.database)).toEqual(before);
  });

  test.each([['add'], ['remove']])('When there is nothing but %s, then the other is none', async (name) => {
    const [id] = (await make.products(1)) as [number];
    const tag = await make.tag(name === 'add' ? {} : { productIds: [id] });

    const { body } = await change(tag, { [name]: [id] });

    expect(body.effects).toEqual({
      products_tagged: name === 'add' ? 1 : 0,
      products_untagged: name === 'add' ? 0 : 1,
    });
    expect(await make.linksOf(tag.id)).toBe(name === 'add' ? 1 : 0);
  });

  test('When 10,000 products are added and then removed, then each moves on twice', async () => {
    const tag = await make.tag();
    const ids = await make.products(10_000);

    const added = await change(tag, { add: ids });
    const removed = await change(tag, { remove: ids });

    expect(added.body).toMatchObject({ product_count: 10_000, effects: { products_tagged: 10_000 } });
    expect(removed.body).toMatchObject({ product_count: 0, effects: { products_untagged: 10_000 } });
    expect(await versionsOf([ids[0] as number, ids.at(-1) as number])).toEqual([3, 3]);
  });

  test.each<[string, unknown, string, string]>([
    ['an empty object', {}, '', 'required'],
    ['two empty lists', { add: [], remove: [] }, '', 'required'],
    ['an id in both', { add: [1, 2], remove: [2] }, '/remove', 'contradiction'],
    ['more than 10,000 ids', { add: Array.from({ length: 10_001 }, (_, index) => index + 1) }, '/add', 'too_long'],
    ['an id that is none', { add: [0] }, '/add/0', 'too_small'],
    ['another field', { productIds: [1] }, '/productIds', 'unknown_field'],
  ])('When the body is %s, then it is 400 and nothing changes', async (_, body, pointer, code) => {
    const tag = await make.tag({ productIds: await make.products(1) });

    const answer = await change(tag, body);

    expect(answer.status).toBe(400);
    expect(answer.body.errors).toContainEqual(expect.objectContaining({ pointer, code }));
    expect((await service.get(pathOf(tag))).body).toEqual(tag);
  });

  test('When products do not exist, then it is 422 that names them by field, and nothing changes', async () => {
    const [linked, free] = (await make.products(2)) as [number, number];
    const tag = await make.tag({ productIds: [linked] });
    const before = await allRows(service.database);

    const { status, body } = await change(tag, { add: [free, nobody], remove: [linked, nobody + 1, nobody + 2] });

    expect([status, body.code]).toEqual([422, 'unknown_reference']);
    expect(body.errors).toMatchObject([
      { pointer: '/add', ids: [nobody] },
      { pointer: '/remove', ids: [nobody + 1, nobody + 2] },
    ]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When the tag has moved on, then it is 412 with the tag as it is, and by its present tag it is done', async () => {
    const [id] = (await make.products(1)) as [number];
    const tag = await make.tag();

    const old = await change(tag, { add: [id] }, { headers: { 'If-Match': '"7-old"' } });
    const present = await change(tag, { add: [id] }, { headers: { 'If-Match': '"1"' } });

    expect([old.status, old.body.current]).toEqual([412, tag]);
    expect([present.status, present.body.product_count]).toEqual([200, 1]);
  });

  test('When no version may be changed, then links, merges, changes and deletions are 412, and nothing changes', async () => {
    const [tag, other] = [await make.tag(), await make.tag()];
    const options = { headers: { 'If-None-Match': '*' } };

    const answers = [
      await change(tag, { add: await make.products(1) }, options),
      await service.post(`${pathOf(tag)}/merge`, { into: other.id }, options),
      await service.put(pathOf(tag), { tag_name: 'changed' }, options),
      await service.patch(pathOf(tag), { tag_name: 'changed' }, options),
      await service.delete(pathOf(tag), options),
    ];

    expect(answers.map(({ status, body }) => [status, body.current])).toEqual(Array(5).fill([412, tag]));
    expect((await service.get(pathOf(tag))).body).toEqual(tag);
  });

  test('When a deletion has the version of another in its body, then it is 409', async () => {
    const { status, body } = await service.delete(pathOf(await make.tag()), { body: { version: 99 } });

    expect([status, body.code]).toEqual([409, 'version_conflict']);
  });

  test('When changes have to say what they change, then one that does not is 428', async () => {
    const { database } = service;
    const strict = await startTestService(taggingService, { database, requirePrecondition: true });
    const [tag, other] = [await make.tag(), await make.tag()];

    const answers = [
      await strict.post(`${pathOf(tag)}/products`, { add: await make.products(1) }),
      await strict.post(`${pathOf(tag)}/merge`, { into: other.id }),
      await strict.post(`${pathOf(tag)}/merge`, { into: other.id }, { headers: { 'If-Match': '*' } }),
    ];

    await strict.stop();
    expect(answers.map(({ status }) => status)).toEqual([428, 428, 200]);
  });

  test('When there is no such tag, then it is 404', async () => {
    const { status, body } = await change({ id: nobody }, { add: await make.products(1) });

    expect([status, body.detail]).toEqual([404, `There is no tag ${nobody}.`]);
  });

  test('When it is tried, then the answer is the real one and no row changes', async () => {
    const ids = await make.products(2);
    const tag = await make.tag();
    const before = await allRows(service.database);

    const { status, headers, body } = await service.post(`${pathOf(tag)}/products?_dry_run=true`, { add: ids });

    expect([status, headers.get('dry-run')]).toEqual([200, 'true']);
    expect(body).toMatchObject({ product_count: 2, version: 2, effects: { products_tagged: 2 } });
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a writer of the product takes the tag from it meanwhile, then this has changed nothing', async () => {
    const { db } = service.database;
    const [id] = (await make.products(1)) as [number];
    const tag = await make.tag({ productIds: [id] });
    const { removing } = await whileLocked(service.database, id, async (transaction) => {
      const removing = change(tag, { remove: [id] });
      await untilRunning(service.database, /^UPDATE product SET version = version/);
      await db.models.product_tag.destroy({ where: { product_id: id }, transaction });
      return { removing };
    });

    const { status, body } = await removing;

    expect([status, body.version, body.effects.products_untagged]).toEqual([200, 1, 0]);
    expect(await versionsOf([id])).toEqual([2]);
  });
});

test('When thousands of the products do not exist, then the problem names a hundred of them', async () => {
  const tag = await make.tag();
  const add = Array.from({ length: 5_000 }, (_, index) => nobody + index);

  const { status, body, text } = await change(tag, { add });

  expect([status, body.code]).toEqual([422, 'unknown_reference']);
  expect(body.errors).toMatchObject([{ pointer: '/add', ids: add.slice(0, 100) }]);
  expect(body.errors[0].detail).toContain('and 4900 more');
  expect(text.length).toBeLessThan(5_000);
});
