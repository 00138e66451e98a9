import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { allRows, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from '../products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const path = '/api/categories/batch';
const named = (fields: Record<string, unknown> = {}) => ({ category_name: unique('Batch'), ...fields });
const statusesOf = (items: { status: number }[]) => items.map(({ status }) => status);
const read = async (id: number) => (await service.get(`/api/categories/${id}`)).body;

describe('a batch of categories', () => {
  test('When there is one of each, then each is answered as it would be alone', async () => {
    const [parent, changed, gone] = [await make.category(), await make.category(), await make.category()];
    await make.product({ category_id: gone.id });

    const { status, body } = await service.post(path, {
      create: [named({ parent_id: parent.id }), named({ parent_id: parent.id })],
      update: [{ id: changed.id, version: 1, parent_id: parent.id, position: 9 }],
      delete: [{ id: gone.id, version: 1 }],
    });

    expect(status).toBe(200);
    expect([body.create, body.update, body.delete].map(statusesOf)).toEqual([[201, 201], [200], [200]]);
    expect(body.create[1].resource).toEqual(await read(body.create[1].resource.id));
    expect(body.create[1].resource).toMatchObject({ parent_id: parent.id, position: 11 });
    expect(body.update[0].resource).toEqual(await read(changed.id));
    expect(body.delete[0].resource).toMatchObject({
      id: gone.id,
      effects: { products_detached: 1, children_moved: 0 },
    });
  });

  test('When a deletion is refused and asked for again, then it is refused again', async () => {
    const name = unique('Twin');
    const category = await make.category();
    for (const parent_id of [null, category.id])
      await service.post('/api/categories', { category_name: name, parent_id });

    const { status, body } = await service.post(`${path}?_on_error=continue`, { delete: [category.id, category.id] });

    expect(status).toBe(200);
    expect(body.delete.map(({ problem }: { problem: { code: string } }) => problem.code)).toEqual([
      'duplicate',
      'duplicate',
    ]);
    expect(await read(category.id)).toEqual(expect.objectContaining({ category_name: category.category_name }));
  });

  test('When moves are refused, then nothing moves, and each is named', async () => {
    const top = await make.category();
    const below = (await service.post('/api/categories', named({ parent_id: top.id }))).body;
    const before = await allRows(service.database);

    const { status, body } = await service.post(path, {
      create: [named(), named({ category_name: below.category_name, parent_id: top.id })],
      update: [
        { id: top.id, parent_id: below.id },
        { id: below.id, parent_id: 4_000_000 },
      ],
    });

    expect([status, body.code]).toEqual([422, 'batch_failed']);
    const problems = body.items.map((item: { pointer: string; problem: { code: string } }) => [
      item.pointer,
      item.problem.code,
    ]);
    expect(problems).toEqual([
      ['/create/1', 'duplicate'],
      ['/update/0', 'category_cycle'],
      ['/update/1', 'unknown_reference'],
    ]);
    expect(await allRows(service.database)).toEqual(before);
  });

  test('When one is refused half-way through its work, then that one leaves nothing behind', async () => {
    const parent = await make.category();
    const children = await Promise.all(
      ['Same', unique('Other')].map((category_name) =>
        service.post('/api/categories', { category_name, parent_id: parent.id }),
      ),
    );
    // Deleting the parent would make this a sibling of the child with its name.
    await service.post('/api/categories', { category_name: 'Same' });

    const { body } = await service.post(`${path}?_on_error=continue`, { create: [named()], delete: [parent.id] });

    expect([body.create, body.delete].map(statusesOf)).toEqual([[201], [409]]);
    expect(await read(parent.id)).toMatchObject({ version: 1 });
    for (const child of children) expect(await read(child.body.id)).toEqual(child.body);
  });

  test('When batches move two categories under each other at once, then no cycle comes to be', async () => {
    for (let round = 0; round < 5; round++) {
      const [one, other] = [await make.category(), await make.category()];

      const answers = await Promise.all([
        service.post(path, { update: [{ id: one.id, parent_id: other.id }] }),
        service.post(path, { update: [{ id: other.id, parent_id: one.id }] }),
      ]);

      expect(statusesOf(answers).toSorted()).toEqual([200, 422]);
    }
  });
});
