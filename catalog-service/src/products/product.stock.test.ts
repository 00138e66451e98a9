import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { select } from '@shop/db/connection/connection.ts';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import fc from 'fast-check';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

/** An id that no row has. */
const nobody = 4_000_000;
const largest = 2_147_483_647;
const move = (id: number, delta: unknown, reason?: unknown) =>
  service.post(`/api/products/${id}/stock`, { delta, reason });
const read = async (id: number) => (await service.get(`/api/products/${id}`)).body;
const times = <T>(count: number, send: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));
const statusesOf = (answers: { status: number }[]) => answers.map(({ status }) => status).toSorted();
/** What a ledger says: each movement and the stock after it. */
const linesOf = async (id: number) =>
  (await make.ledgerOf(id)).movements.map(({ delta, stock, reason }) => [delta, stock, reason]);

describe('a stock call', () => {
  test('When some are taken, then the answer is the movement, with the stock after it', async () => {
    const { id } = await make.product({ stock: 14 });

    const { status, body, headers } = await move(id, -3, 'order 1001');

    expect(status).toBe(201);
    expect(body).toEqual({
      id: expect.any(Number),
      product_id: id,
      delta: -3,
      stock: 11,
      reason: 'order 1001',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
    expect((await service.get(String(headers.get('location')))).body).toEqual([body]);
  });

  test('When some are added, then the stock, the version and the time of change of the product move on', async () => {
    const product = await make.product({ stock: 0 });
    await service.database.db.models.product.update(
      { updated_at: '2020-01-01 00:00:00.000' },
      { where: { id: product.id } },
    );

    await move(product.id, 5);

    const { updated_at, ...rest } = await read(product.id);
    expect(rest).toMatchObject({ stock: 5, version: 2, created_at: product.created_at });
    expect(updated_at > '2026').toBe(true);
  });

  test('When no reason is given, or null, then it is null', async () => {
    const { id } = await make.product({ stock: 0 });

    expect((await move(id, 1)).body.reason).toBeNull();
    expect((await move(id, 1, null)).body.reason).toBeNull();
  });

  test('When the reason has space around it, then it is stored without', async () => {
    const { id } = await make.product({ stock: 0 });

    expect((await move(id, 1, '  delivery 7 ')).body.reason).toBe('delivery 7');
  });

  test('When all there are are taken, then the stock is 0', async () => {
    const { id } = await make.product({ stock: 3 });

    expect((await move(id, -3)).body.stock).toBe(0);
  });

  test('When more are taken than there are, then it is 409 with what is available, and nothing changed', async () => {
    const product = await make.product({ stock: 2 });

    const { status, body } = await move(product.id, -3);

    expect(status).toBe(409);
    expect(body).toMatchObject({
      code: 'insufficient_stock',
      available: 2,
      errors: [{ pointer: '/delta', code: 'insufficient_stock', allowed: { minimum: -2 } }],
    });
    expect(await read(product.id)).toEqual(product);
    expect(await linesOf(product.id)).toEqual([[2, 2, 'opening stock']]);
  });

  test('When as many are added as a stock can be, then it is; one more is 400, and nothing changed', async () => {
    const { id } = await make.product({ stock: 1 });
    expect((await move(id, largest - 1)).body.stock).toBe(largest);

    const { status, body } = await move(id, 1);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/delta', code: 'too_large', allowed: { maximum: 0 } }]);
    expect(await read(id)).toMatchObject({ stock: largest, version: 2 });
  });

  test.each([-largest, largest])('When %d goes beyond either end, then no sum overflows', async (delta) => {
    const { id } = await make.product({ stock: 10 });

    expect((await move(id, delta)).status).toBe(delta < 0 ? 409 : 400);
    expect((await read(id)).stock).toBe(10);
  });

  test('When there is no such product, then it is 404', async () => {
    expect(await move(nobody, 1)).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test.each([
    [0, 'invalid_value'],
    [-0, 'invalid_value'],
    [1.5, 'invalid_type'],
    ['1', 'invalid_type'],
    [null, 'invalid_type'],
    [undefined, 'required'],
    [largest + 1, 'too_large'],
    [-largest - 1, 'too_small'],
  ])('When delta is %p, then it is refused as %s', async (delta, code) => {
    const { id } = await make.product();

    expect(await move(id, delta)).toMatchObject({
      status: 400,
      body: { code: 'validation_failed', errors: [{ pointer: '/delta', code }] },
    });
  });

  test.each([
    ['', 'too_short'],
    ['  ', 'too_short'],
    ['x'.repeat(256), 'too_long'],
    ['\ud800', 'invalid_text'],
    [7, 'invalid_type'],
  ])('When the reason is %p, then it is refused as %s', async (reason, code) => {
    const { id } = await make.product();

    expect(await move(id, 1, reason)).toMatchObject({ status: 400, body: { errors: [{ pointer: '/reason', code }] } });
  });

  test('When everything is wrong, then every fault is named at once', async () => {
    const { body } = await service.post('/api/products/x/stock?dry=1', { delta: 0, reason: ' ', stock: 4 });

    expect(body.errors.map(({ pointer, parameter }: Record<string, string>) => pointer ?? parameter)).toEqual([
      'id',
      'dry',
      '/delta',
      '/reason',
      '/stock',
    ]);
  });
});

describe('the ledger', () => {
  test.each([
    [{}, [[10, 10, 'opening stock']]],
    [{ stock: 7 }, [[7, 7, 'opening stock']]],
    [{ stock: 0 }, []],
  ])('When a product is created with %j, then its movements are %j', async (fields, lines) => {
    const { id } = await make.product(fields);

    expect(await linesOf(id)).toEqual(lines);
  });

  test.each(['put', 'patch'] as const)(
    'When a %s sets the stock, then the difference is a movement',
    async (method) => {
      const { id } = await make.product({ stock: 4 });

      await service[method](`/api/products/${id}`, { stock: 1 });
      await service[method](`/api/products/${id}`, { stock: 6, price: 2 });

      expect((await linesOf(id)).slice(1)).toEqual([
        [-3, 1, 'stock set'],
        [5, 6, 'stock set'],
      ]);
    },
  );

  test.each([{ stock: 4 }, { price: 9 }, {}])(
    'When a change is %j of a stock of 4, then there is no movement',
    async (changes) => {
      const { id } = await make.product({ stock: 4 });

      await service.patch(`/api/products/${id}`, changes);

      expect(await linesOf(id)).toEqual([[4, 4, 'opening stock']]);
    },
  );

  test('When a change is refused, then there is no movement of it', async () => {
    const { id } = await make.product({ stock: 4 });

    expect((await service.patch(`/api/products/${id}`, { stock: 9, tagIds: [nobody] })).status).toBe(422);

    expect(await linesOf(id)).toEqual([[4, 4, 'opening stock']]);
  });

  test('When the product is deleted, then its ledger is, too', async () => {
    const { id } = await make.product({ stock: 4 });
    await move(id, -1);

    expect((await service.delete(`/api/products/${id}`)).status).toBe(200);

    expect(await linesOf(id)).toEqual([]);
  });

  test('When stocks are set and moved in any order, then product and ledger are what a model says', async () => {
    const step = fc.oneof(
      fc.record({ delta: fc.integer({ min: -8, max: 8 }).filter((delta) => delta !== 0) }),
      fc.record({ stock: fc.integer({ min: 0, max: 12 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(12), fc.array(step, { maxLength: 8 }), async (opening, steps) => {
        const { id } = await make.product({ stock: opening });
        let model = opening;
        for (const one of steps) {
          if ('stock' in one) {
            await service.put(`/api/products/${id}`, one);
            model = one.stock;
          } else {
            const { status } = await move(id, one.delta);
            expect(status).toBe(model + one.delta < 0 ? 409 : 201);
            if (model + one.delta >= 0) model += one.delta;
          }
        }
        const { movements, sum } = await make.ledgerOf(id);
        expect([(await read(id)).stock, sum, movements.at(-1)?.stock ?? 0]).toEqual([model, model, model]);
      }),
      { numRuns: 25 },
    );
  });
});

describe('at once', () => {
  test('When 50 clients each take one of 30, then 30 have one, 20 are told that there is none, and the ledger adds up', async () => {
    const { id } = await make.product({ stock: 30 });

    const answers = await times(50, (index) => move(id, -1, `client ${index}`));

    expect(statusesOf(answers)).toEqual([...Array(30).fill(201), ...Array(20).fill(409)]);
    const left = answers.filter(({ status }) => status === 201).map(({ body }) => body.stock);
    expect(left.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, index) => index));
    for (const { status, body } of answers) if (status === 409) expect(body.available).toBe(0);
    expect(await read(id)).toMatchObject({ stock: 0, version: 31 });
    expect((await make.ledgerOf(id)).sum).toBe(0);
  });

  test('When 60 clients set, take and add, then none fails and every line of the ledger follows from the one before', async () => {
    const { id } = await make.product({ stock: 100 });

    const answers = await times(60, (index) => {
      if (index % 3 === 0) return service.patch(`/api/products/${id}`, { stock: 100 + index });
      return move(id, index % 3 === 1 ? -1 : 2);
    });

    expect(new Set(statusesOf(answers))).toEqual(new Set([200, 201]));
    const { movements, sum } = await make.ledgerOf(id);
    expect((await read(id)).stock).toBe(sum);
    let stock = 0;
    for (const movement of movements) {
      stock += movement.delta;
      expect(movement.stock).toBe(stock);
    }
  });

  test('When 50 clients take two of a product that is deleted, then each is 201 or 404 and no movement is left', async () => {
    const { id } = await make.product({ stock: 1000 });

    const [answers] = await Promise.all([times(50, () => move(id, -2)), service.delete(`/api/products/${id}`)]);

    expect(statusesOf(answers).filter((status) => status !== 201 && status !== 404)).toEqual([]);
    expect(await linesOf(id)).toEqual([]);
  });
});

test('When everything above is done, then there is no product whose ledger does not add up', async () => {
  const broken = await select(
    service.database.db,
    `SELECT product.id FROM product WHERE product.stock <>
       (SELECT COALESCE(SUM(delta), 0) FROM stock_movement WHERE stock_movement.product_id = product.id)`,
  );

  expect(broken).toEqual([]);
});
