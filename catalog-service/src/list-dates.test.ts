import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from './app.ts';
import { rowsIn } from './products/testing.ts';

let service: TestService;
let ids: number[];
const times = [
  '2026-11-25 23:59:59.999',
  '2026-11-26 00:00:00.000',
  '2026-11-26 12:00:00.123',
  '2026-11-26 23:59:59.999',
  '2026-11-27 00:00:00.000',
];
beforeAll(async () => {
  service = await startTestService(catalogService);
  const make = rowsIn(service);
  ids = [];
  for (const time of times) {
    const { id } = await make.product();
    await service.database.db.sequelize.query(`UPDATE product SET created_at = '${time}' WHERE id = ${id}`);
    ids.push(id);
  }
});
afterAll(() => service.stop());

describe('products of a time', () => {
  test.each([
    ['created_at_lte=2026-11-26', [0, 1, 2, 3]],
    ['created_at_gte=2026-11-26', [1, 2, 3, 4]],
    ['created_at_gte=2026-11-26&created_at_lte=2026-11-26', [1, 2, 3]],
    ['created_at_lte=2026-11-26T00:00:00Z', [0, 1]],
    ['created_at=2026-11-26', [1]],
    ['created_at_ne=2026-11-26', [0, 2, 3, 4]],
    ['created_at_lte=2026-11-26T02:00:00%2B02:00', [0, 1]],
    ['created_at_gte=2026-11-26T12:00:00.123456Z', [3, 4]],
    ['created_at_lte=2026-11-26T12:00:00.123456Z', [0, 1, 2]],
    ['created_at_gte=2026-11-26T12:00:00.123000Z', [2, 3, 4]],
    ['created_at_gte=9999-12-31', []],
    ['created_at_lte=9999-12-31', [0, 1, 2, 3, 4]],
    ['created_at_gte=9999-12-31T23:59:59-14:00', []],
    ['created_at_lte=0000-01-01', []],
    ['created_at_gte=0000-01-01T00:00:00%2B14:00', [0, 1, 2, 3, 4]],
  ])('When they are asked for with %s, then it is those', async (query, expected) => {
    const { status, body } = await service.get(`/api/products?${query}&_sort=id`);

    expect(status).toBe(200);
    expect(body.map(({ id }: { id: number }) => ids.indexOf(id))).toEqual(expected);
  });

  test('When they are counted up to a date, then its whole day counts, too', async () => {
    const { body } = await service.get('/api/products/facets?created_at_lte=2026-11-26');

    expect(body.status).toContainEqual({ value: 'active', count: 4 });
  });
});

const sentence = 'must be a date (2026-11-22) or an RFC 3339 time (2026-11-22T14:30:00Z)';

test.each([
  [
    'products',
    'created_at_gte',
    '2026-11-26T00:00:00+02:00',
    `${sentence}; a + in a query stands for a space: write %2B`,
  ],
  [
    'categories',
    'updated_at',
    '2026-11-26T00:00:00.5+02:00',
    `${sentence}; a + in a query stands for a space: write %2B`,
  ],
  ['products', 'created_at_lte', '2026-11-26 00:00:00', sentence],
  ['products', 'created_at_lte', '2026-02-30', sentence],
])(
  'When %s are asked for with %s=%s, then it is 400 and says what to write',
  async (path, parameter, value, detail) => {
    const { status, body } = await service.get(`/api/${path}?${parameter}=${value}`);

    expect(status).toBe(400);
    expect(body.errors).toEqual([{ parameter, code: 'invalid_value', detail }]);
  },
);
