import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from '../products/testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService, { stepSize: 3 });
  make = rowsIn(service);
});
afterAll(() => service.stop());

const sql = (statement: string) => service.database.db.sequelize.query(statement);
const statusesOf = (answers: { status: number }[]) => [...new Set(answers.map(({ status }) => status))].toSorted();

/** A category with so many products; `ids` are theirs. */
async function filled(howMany: number) {
  const { id } = await make.category();
  const ids: number[] = [];
  for (let index = 0; index < howMany; index++) ids.push((await make.product({ category_id: id })).id);
  return { id, ids, path: `/api/categories/${id}` };
}

/** Where products are and at which version, in the order of `ids`; null for one that is gone. */
const places = (ids: number[]) =>
  Promise.all(
    ids.map(async (id) => {
      const { status, body } = await service.get(`/api/products/${id}?_embed=`);
      return status === 200 ? [body.category_id, body.version] : null;
    }),
  );

const productsIn = (category_id: number): Promise<number> =>
  service.database.db.models.product.count({ where: { category_id } });

describe('a deletion that is cut off', () => {
  afterEach(() => sql('DROP TRIGGER IF EXISTS cut'));

  /** From now on the database does `what` when a product is updated or deleted. */
  const whenever = (event: 'UPDATE' | 'DELETE', id: number, what: string) =>
    sql(`CREATE TRIGGER cut BEFORE ${event} ON product FOR EACH ROW BEGIN IF OLD.id = ${id} THEN ${what}; END IF; END`);
  const crash = "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'cut off'";

  test('When a step fails, then the steps before stay done and the category stays', async () => {
    const { id, ids, path } = await filled(10);
    await whenever('UPDATE', ids[7] as number, crash);

    const { status } = await service.delete(path);

    expect(status).toBe(500);
    expect(await places(ids)).toEqual([...Array(6).fill([null, 2]), ...Array(4).fill([id, 1])]);
    expect((await service.get(path)).body).toMatchObject({ product_count: 4, version: 1 });
  });

  test.each(['detach', 'reassign', 'delete'])(
    'When %s is sent again after a step has failed, then it does what was left, once',
    async (kind) => {
      const { ids, path } = await filled(10);
      const target = (await make.category()).id;
      const query = `?products=${kind === 'reassign' ? `reassign:${target}` : kind}`;
      const options = { headers: { 'Idempotency-Key': `cut-${kind}`, 'If-Match': '"1"' } };
      await whenever(kind === 'delete' ? 'DELETE' : 'UPDATE', ids[7] as number, crash);
      await service.delete(path + query, options);
      await sql('DROP TRIGGER cut');

      const { status, headers, body } = await service.delete(path + query, options);

      const effect = { detach: 'products_detached', reassign: 'products_reassigned', delete: 'products_deleted' }[kind];
      expect([status, headers.get('idempotency-replayed')]).toEqual([200, null]);
      expect(body.effects[effect as string]).toBe(4);
      expect((await service.get(path)).status).toBe(404);
      const now = { detach: [null, 2], reassign: [target, 2], delete: null }[kind];
      expect(await places(ids)).toEqual(Array(10).fill(now));
    },
  );

  test('When the category moves on meanwhile, then it is 412 with what was done, and the category stays', async () => {
    const { id, ids, path } = await filled(10);
    await whenever('UPDATE', ids[4] as number, `UPDATE category SET version = version + 1 WHERE id = ${id}`);

    const { status, body } = await service.delete(path, { headers: { 'If-Match': '"1"' } });

    expect(status).toBe(412);
    expect(body).toMatchObject({ code: 'precondition_failed', effects: { products_detached: 9 } });
    expect(body.current).toMatchObject({ id, version: 2, product_count: 1 });
    expect((await service.get(path)).body).toMatchObject({ version: 2, product_count: 1 });
  });

  test('When the time of a request is up, then it is 503 with what was done, and the same request ends it', async () => {
    const { ids, path } = await filled(16);
    await sql('CREATE TRIGGER cut BEFORE UPDATE ON product FOR EACH ROW DO SLEEP(0.3)');

    const cut = await service.delete(path, { headers: { 'X-Request-Timeout-Ms': '4000' } });
    await sql('DROP TRIGGER cut');
    const ended = await service.delete(path);

    expect([cut.status, cut.body.code, cut.headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
    expect(cut.body.effects.products_detached + ended.body.effects.products_detached).toBe(16);
    expect(ended.status).toBe(200);
    expect(await places(ids)).toEqual(Array(16).fill([null, 2]));
  });
});

describe('at once', () => {
  test.each(['detach', 'delete'])(
    'When 50 clients create products in a category while it goes (%s), then each is 201 or 422 and none points nowhere',
    async (policy) => {
      const { id, path } = await filled(10);

      const creating = atOnce(50, () =>
        service.post('/api/products', { product_name: unique('Late'), price: 1, category_id: id }),
      );
      const removed = await service.delete(`${path}?products=${policy}`);

      expect(statusesOf(await creating).filter((status) => status !== 201 && status !== 422)).toEqual([]);
      expect(removed.status).toBe(200);
      expect(await productsIn(id)).toBe(0);
    },
  );

  test('When it is deleted 10 times, then it is deleted once and every product moves on by one', async () => {
    const { ids, path } = await filled(20);

    const answers = await atOnce(10, () => service.delete(path));

    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(404)]);
    expect(answers.find(({ status }) => status === 200)?.body.effects.products_detached).toBe(20);
    expect(await places(ids)).toEqual(Array(20).fill([null, 2]));
  });

  test('When more categories go at once than there are connections, then all of them do', async () => {
    const { database } = service;
    const small = await startTestService(catalogService, { database, stepSize: 3, poolMax: 2 });
    const paths = (await Promise.all(Array.from({ length: 5 }, () => filled(8)))).map(({ path }) => path);

    const answers = await Promise.all(paths.map((path) => small.delete(path)));

    await small.stop();
    expect(answers.map(({ status, body }) => [status, body.effects.products_detached])).toEqual(
      Array(5).fill([200, 8]),
    );
  });

  test('When its products are changed while it goes, then every change holds', async () => {
    const { ids, path } = await filled(20);

    const changing = Promise.all(ids.map((id) => service.patch(`/api/products/${id}`, { stock: 777 })));
    const removed = await service.delete(path);

    expect([removed.status, statusesOf(await changing)]).toEqual([200, [200]]);
    expect(await places(ids)).toEqual(Array(20).fill([null, 3]));
  });

  test('When two categories give each other their products and go, then one is gone and none points nowhere', async () => {
    for (let round = 0; round < 3; round++) {
      const [a, b] = [await filled(8), await filled(8)];

      const answers = await Promise.all([
        service.delete(`${a.path}?products=reassign:${b.id}`),
        service.delete(`${b.path}?products=reassign:${a.id}`),
      ]);

      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422]);
      const left = answers[0]?.status === 200 ? b.id : a.id;
      expect(await productsIn(left)).toBe(16);
    }
  });
});

describe('a deletion that takes long, with a key', () => {
  /** Longer than the database keeps a session that says nothing. */
  const longer = 5_000;
  let replica: TestService;
  beforeAll(async () => {
    replica = await startTestService(catalogService, { database: service.database, stepSize: 3 });
    await sql('CREATE TRIGGER slow BEFORE UPDATE ON product FOR EACH ROW DO SLEEP(0.5)');
  });
  afterAll(async () => {
    await sql('DROP TRIGGER slow');
    await replica.stop();
  });

  test.each([
    ['at once', 500, () => service],
    ['at once, by another replica', 500, () => replica],
    ['later than the database waits for a word', longer, () => service],
    ['so much later, by another replica', longer, () => replica],
  ])('When it is sent again %s, then that is told to wait, and the first ends it', async (when, after, who) => {
    const howMany = after === longer ? 14 : 5;
    const { ids, path } = await filled(howMany);
    const options = { headers: { 'Idempotency-Key': `long ${when}`.replaceAll(/\W/g, '-') } };
    const running = service.delete(path, options);
    await delay(after);

    const second = await who().delete(path, options);
    const first = await running;

    expect([second.status, second.body.code, second.headers.get('retry-after')]).toEqual([
      409,
      'request_in_progress',
      '1',
    ]);
    expect([first.status, first.body.effects.products_detached]).toEqual([200, howMany]);
    expect(await places(ids)).toEqual(Array(howMany).fill([null, 2]));
    const again = await who().delete(path, options);
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
  });

  test('When another request has its key, then that is refused at once', async () => {
    const { path } = await filled(5);
    const options = { headers: { 'Idempotency-Key': 'taken-by-long' } };
    await service.post('/api/categories', { category_name: unique('Taken') }, options);

    const { status, body } = await service.delete(path, options);

    expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
    expect((await service.get(path)).body.product_count).toBe(5);
  });
});
