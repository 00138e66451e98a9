import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const path = '/api/products/batch';
/** An id that no row has. */
const nobody = 4_000_000;
const named = (fields: Record<string, unknown> = {}) => ({ product_name: unique('Batch'), price: 1, ...fields });
const times = <T>(count: number, one: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => one(i));
const aborting = (body: unknown) => service.post(path, body);
const continuing = (body: unknown) => service.post(`${path}?_on_error=continue`, body);
const statusesOf = (items: { status: number }[]) => items.map(({ status }) => status);
const codesOf = (items: { problem?: { code: string } }[]) => items.map(({ problem }) => problem?.code);
const faultsOf = (problem: { errors: { pointer: string; code: string }[] }) =>
  problem.errors.map(({ pointer, code }) => [pointer, code]);

/** A batch in which something is wrong with seven of eleven operations. */
async function mixed() {
  const [held, changed, moved, gone] = [
    await make.product({ sku: unique('HELD') }),
    await make.product(),
    await make.product(),
    await make.product(),
  ];
  const body = {
    create: [
      named(),
      named({ sku: held.sku }),
      named({ category_id: nobody, tagIds: [nobody, nobody + 1] }),
      named({ sku: 'MIXED-TWICE' }),
      named({ sku: 'mixed-twice' }),
    ],
    update: [
      { id: changed.id, stock: 5 },
      { id: nobody, stock: 5 },
      { id: moved.id, stock: 5, version: 9 },
      { id: moved.id, sku: held.sku },
    ],
    delete: [gone.id, nobody],
  };
  return { held, changed, moved, gone, body };
}

describe('all or nothing', () => {
  test('When one of two that are renamed is refused, then the other is tried again alone, and neither changes', async () => {
    const [renamed, refused, held] = [await make.product(), await make.product(), await make.product()];
    const before = await allRows(service.database);

    const rename = { id: renamed.id, product_name: unique('Renamed') };
    const { body } = await aborting({ update: [rename, { id: refused.id, slug: held.slug }] });

    expect(faultsOf(body)).toEqual([['/update/1/slug', 'duplicate']]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When operations are refused, then nothing changes, and all of them are named at their places', async () => {
    const { held, moved, body } = await mixed();
    const before = await allRows(service.database);

    const { status, body: problem } = await aborting(body);

    expect([status, problem.code]).toEqual([422, 'batch_failed']);
    expect(faultsOf(problem)).toEqual([
      ['/create/1/sku', 'duplicate'],
      ['/create/2/category_id', 'unknown_reference'],
      ['/create/2/tagIds', 'unknown_reference'],
      ['/create/4/sku', 'duplicate'],
      ['/update/1', 'not_found'],
      ['/update/2/version', 'version_conflict'],
      ['/update/3/sku', 'duplicate'],
      ['/delete/1', 'not_found'],
    ]);
    expect(problem.items.map(({ pointer, status }: { pointer: string; status: number }) => [pointer, status])).toEqual([
      ['/create/1', 409],
      ['/create/2', 422],
      ['/create/4', 409],
      ['/update/1', 404],
      ['/update/2', 409],
      ['/update/3', 409],
      ['/delete/1', 404],
    ]);
    expect(problem.errors[0].id).toBe(held.id);
    expect(problem.items[4].problem.current).toEqual(moved);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a value is taken by a create of the same batch, then that is named by its place', async () => {
    const { body } = await aborting({ create: [named({ sku: 'PLACE-1' }), named(), named({ sku: 'PLACE-1' })] });

    expect(body.errors).toEqual([{ pointer: '/create/2/sku', code: 'duplicate', detail: 'is taken by /create/0' }]);
  });

  test('When a value is taken by a change of the same batch, then that is named by its place', async () => {
    const { id } = await make.product();

    const { body } = await aborting({ create: [named({ sku: 'place-2' })], update: [{ id, sku: 'PLACE-2' }] });

    expect(body.errors).toEqual([{ pointer: '/create/0/sku', code: 'duplicate', detail: 'is taken by /update/0' }]);
  });

  test('When a value was taken before by what the batch changes elsewhere, then the holder is named by its id', async () => {
    const { id } = await make.product({ sku: 'PLACE-3' });

    const { body } = await aborting({ create: [named({ sku: 'PLACE-3' })], update: [{ id, stock: 9 }] });

    expect(body.errors).toEqual([{ pointer: '/create/0/sku', code: 'duplicate', detail: `is taken by ${id}`, id }]);
  });

  test('When a version is one that the batch itself moves on, then that is said, and no state that is undone is shown', async () => {
    const product = await make.product();
    const { id, version } = product;

    const { body } = await aborting({ update: [1, 2].map((price) => ({ id, version, price: price + 4 })) });

    const detail = 'is that of before another operation of the batch';
    expect(body.errors).toEqual([{ pointer: '/update/1/version', code: 'version_conflict', detail }]);
    expect(body.items[0].problem).toMatchObject({
      code: 'version_conflict',
      detail: 'Another operation of the batch changes the resource first.',
      errors: body.errors,
    });
    expect(body.items[0].problem).not.toHaveProperty('current');
    expect((await service.get(`/api/products/${id}`)).body).toEqual(product);
  });

  test('When one of 1,000 is refused, then it is named, and nothing changes', async () => {
    const { sku } = await make.product({ sku: 'ONE-OF-MANY' });
    const before = await allRows(service.database);

    const { status, body } = await aborting({ create: times(1_000, (i) => named(i === 700 ? { sku } : {})) });

    expect([status, faultsOf(body)]).toEqual([422, [['/create/700/sku', 'duplicate']]]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When values are not valid, then all faults of all operations are named, and nothing changes', async () => {
    const { id } = await make.product();
    const before = await allRows(service.database);

    const { status, body } = await service.post(
      path,
      `{"create":[{"price":-1},7,{"product_name":"x","price":19.999999999999999999}],
        "update":[{"stock":1},{"id":${id},"colour":"red"}],
        "delete":["7",{"id":0,"name":"x"},1.5]}`,
      { headers: { 'Content-Type': 'application/json' } },
    );

    expect([status, body.code]).toEqual([400, 'validation_failed']);
    expect(faultsOf(body).toSorted()).toEqual([
      ['/create/0/price', 'too_small'],
      ['/create/0/product_name', 'required'],
      ['/create/1', 'invalid_type'],
      ['/create/2/price', 'too_precise'],
      ['/delete/0', 'invalid_type'],
      ['/delete/1/id', 'too_small'],
      ['/delete/1/name', 'unknown_field'],
      ['/delete/2', 'invalid_type'],
      ['/update/0/id', 'required'],
      ['/update/1/colour', 'unknown_field'],
    ]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When a refused batch had a key, then the key is free for another', async () => {
    const headers = { 'Idempotency-Key': 'refused-batch' };
    await service.post(path, { delete: [nobody] }, { headers });

    const { status } = await service.post(path, { create: [named()] }, { headers });

    expect(status).toBe(200);
  });
});

describe('continuing', () => {
  test('When operations are refused, then the others are kept, and each is answered at its place', async () => {
    const { held, changed, moved, gone, body } = await mixed();

    const { status, body: answer } = await continuing(body);

    expect(status).toBe(200);
    expect([answer.create, answer.update, answer.delete].map(statusesOf)).toEqual([
      [201, 409, 422, 201, 409],
      [200, 404, 409, 409],
      [200, 404],
    ]);
    expect(answer.create[1].problem).toMatchObject({
      type: '/problems/duplicate',
      status: 409,
      errors: [{ pointer: '/create/1/sku', id: held.id }],
    });
    expect(answer.create[4].problem.errors[0].id).toBe(answer.create[3].resource.id);
    expect(answer.create[1].problem).not.toHaveProperty('instance');
    const now = await Promise.all([changed, moved, gone].map(({ id }) => service.get(`/api/products/${id}`)));
    expect(now[0]?.body).toMatchObject({ stock: 5, version: 2 });
    expect(now[1]?.body).toEqual(moved);
    expect(now[2]?.status).toBe(404);
  });

  test('When values of some are not valid, then these are 400 and the others are done', async () => {
    const { id } = await make.product();

    const { status, body } = await continuing({
      create: [named(), named({ price: 'free' }), named()],
      update: [{ id }, { id, stock: -1 }, {}],
      delete: [null, id],
    });

    expect(status).toBe(200);
    expect([body.create, body.update, body.delete].map(statusesOf)).toEqual([
      [201, 400, 201],
      [404, 400, 400],
      [400, 200],
    ]);
    expect(faultsOf(body.create[1].problem)).toEqual([['/create/1/price', 'invalid_type']]);
    expect(codesOf(body.update)).toEqual(['not_found', 'validation_failed', 'validation_failed']);
  });

  test('When some of 500 are refused, then what the others were is complete, with links and ledgers', async () => {
    const [tag, { sku }] = [await make.tag(), await make.product({ sku: unique('TAKEN') })];
    const isBad = (index: number) => index % 99 === 50;
    const create = times(500, (i) => named({ stock: 3, tagIds: [tag], ...(isBad(i) ? { sku } : {}) }));

    const { body } = await continuing({ create });

    expect(statusesOf(body.create)).toEqual(times(500, (index) => (isBad(index) ? 409 : 201)));
    const made = body.create.filter(({ status }: { status: number }) => status === 201);
    expect(await service.database.db.models.product_tag.count({ where: { tag_id: tag } })).toBe(made.length);
    expect(new Set(made.map(({ resource }: { resource: { id: number } }) => resource.id)).size).toBe(made.length);
    for (const { resource } of [made[0], made.at(-1)]) expect((await make.ledgerOf(resource.id)).sum).toBe(3);
  });

  test('When every one of 100 is refused, then nothing changes but the answer is 200', async () => {
    const before = await allRows(service.database);

    const { status, body } = await continuing({ delete: times(100, (index) => nobody + index) });

    expect([status, new Set(statusesOf(body.delete))]).toEqual([200, new Set([404])]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When one is deleted and changed, or deleted twice, then the second finds nothing', async () => {
    const { id } = await make.product();

    const { body } = await continuing({ update: [{ id, stock: 4 }], delete: [id, { id }] });

    expect([body.update, body.delete].map(statusesOf)).toEqual([[404], [200, 404]]);
  });
});

describe('its size', () => {
  test('When there are 1,001 operations in all, then it is 400 and nothing is done', async () => {
    const before = await allRows(service.database);

    const { status, body } = await aborting({
      create: times(500, () => named()),
      delete: times(501, (i) => nobody + i),
    });

    expect([status, body.errors]).toEqual([
      400,
      [
        {
          pointer: '',
          code: 'too_long',
          detail: 'must have at most 1000 operations in all',
          allowed: { maximum: 1000 },
        },
      ],
    ]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When the body has nearly 8 MiB, then it is done, whatever it is made of', async () => {
    const create = times(125, (index) =>
      named({ description: (index % 20 === 0 ? '\u0001' : "'").repeat(index % 20 === 0 ? 10_000 : 65_000) }),
    );

    const { status, headers, body } = await aborting({ create });

    expect([status, headers.get('preference-applied')]).toEqual([200, 'return=minimal']);
    const { body: first } = await service.get(`/api/products/${body.create[0].resource.id}`);
    expect(first.description).toBe('\u0001'.repeat(10_000));
  });

  test('When the body has more than 8 MiB, then it is 413', async () => {
    const { status, body } = await aborting({ create: [named({ description: 'x'.repeat(8 * 2 ** 20) })] });

    expect([status, body.code]).toEqual([413, 'body_too_large']);
  });

  test('When the body of a single write has more than 1 MiB, then it is 413 as ever', async () => {
    const { status } = await service.post('/api/products', named({ description: 'x'.repeat(2 ** 20) }));

    expect(status).toBe(413);
  });

  test.each([
    [{ creates: [] }, '/creates', 'unknown_field'],
    [{ create: {} }, '/create', 'invalid_type'],
    [{ update: null }, '/update', 'invalid_type'],
    [[], '', 'invalid_type'],
  ])('When the body is %j, then it is 400 and says where', async (body, pointer, code) => {
    const answer = await continuing(body);

    expect([answer.status, faultsOf(answer.body)]).toEqual([400, [[pointer, code]]]);
  });

  test('When the path is read, then it is 405 and not taken for an id', async () => {
    const { status, headers } = await service.get(path);

    expect([status, headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
  });

  test('When _on_error is something else, then it is 400', async () => {
    const { status, body } = await service.post(`${path}?_on_error=stop`, {});

    expect([status, body.errors[0].parameter]).toEqual([400, '_on_error']);
  });
});

test.each([
  ['abort', 422],
  ['continue', 200],
])(
  'When very many operations show a long product that has moved on (%s), then the answer stays small',
  async (onError, expected) => {
    const { id } = await make.product({ description: 'd'.repeat(65_000) });
    const update = times(90, () => ({ id, price: 2, version: 99 }));

    const { status, text } = await service.post(`${path}?_on_error=${onError}`, { update });

    expect(status).toBe(expected);
    expect(text.length).toBeLessThan(5 * 2 ** 20);
    expect(text).toContain('"version_conflict"');
  },
);
