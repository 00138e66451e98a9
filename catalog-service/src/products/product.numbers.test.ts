import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn, unique } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const headers = { 'Content-Type': 'application/json' };
const withMetadata = (metadata: string): string =>
  `{"product_name":"${unique('Product')}","price":1,"metadata":${metadata}}`;
const createWith = (metadata: string, further: Record<string, string> = {}) =>
  service.post('/api/products', withMetadata(metadata), { headers: { ...headers, ...further } });

const kept = [
  '1700000000000000000',
  '9007199254740992',
  '-9223372036854775000',
  '18446744073709552000',
  '1e21',
  '1.7976931348623157e308',
  '5e-324',
  '0.30000000000000004',
  '123456789.12345679',
  '1.10',
  '12e-1',
];

describe('numbers in metadata', () => {
  test.each(kept)('When one is %s, then every answer has it as it was sent', async (text) => {
    const metadata = { n: Number(text), list: [{ n: Number(text) }] };
    const json = `{"n":${text},"list":[{"n":${text}}]}`;

    const created = await createWith(json);
    expect([created.status, created.body.metadata]).toEqual([201, metadata]);
    const { id } = created.body;

    const one = await service.get(`/api/products/${id}`);
    const list = await service.get(`/api/products?id=${id}`);
    expect([one.body.metadata, list.body[0].metadata]).toEqual([metadata, metadata]);

    const again = await service.patch(`/api/products/${id}`, `{"metadata":${json}}`, { headers });
    expect([again.body.metadata, again.body.version]).toEqual([metadata, 1]);

    const conflict = await service.put(`/api/products/${id}`, { version: 7 });
    expect(conflict.body.current.metadata).toEqual(metadata);

    const batch = await service.post('/api/products/batch', `{"create":[${withMetadata(json)}],"delete":[${id}]}`, {
      headers,
    });
    expect(batch.body.create[0].resource.metadata).toEqual(metadata);
    expect(batch.body.delete[0].resource.metadata).toEqual(metadata);
  });

  test('When a write is sent again under its key, then its answer has them as they were sent', async () => {
    const body = withMetadata('{"ns":1700000000000000000}');
    const send = () => service.post('/api/products', body, { headers: { ...headers, 'Idempotency-Key': 'numbers' } });
    const [first, second] = [await send(), await send()];

    expect(second.headers.get('Idempotency-Replayed')).toBe('true');
    expect(second.text).toBe(first.text);
    expect(second.body.metadata).toEqual({ ns: 1_700_000_000_000_000_000 });
  });

  test('When they are any doubles, then they come back as they were sent', async () => {
    const bits = new BigUint64Array(400).map(() => randomBytes(8).readBigUInt64LE());
    const doubles = [...new Float64Array(bits.buffer)].filter(Number.isFinite);

    const { body } = await createWith(JSON.stringify({ doubles }));

    expect((await service.get(`/api/products/${body.id}`)).body.metadata).toEqual({ doubles });
  });

  test('When they are very many digits of one that a double holds, then it is kept', async () => {
    const { body } = await createWith(`{"n":${'0.5'.padEnd(10_000, '0')}}`);

    expect(body.metadata).toEqual({ n: 0.5 });
  });
});

describe('numbers that no double holds', () => {
  test.each([
    '1700000000000000001',
    '9007199254740993',
    '-9007199254740993',
    '-9223372036854775808',
    '18446744073709551615',
    '0.1000000000000000055',
    '19.999999999999999999',
    '1e-400',
    '123456789012345678901234567890',
  ])('When metadata has %s, then it is refused and named', async (text) => {
    const { status, body } = await createWith(`{"a/b":[{"n":${text}}],"fine":1}`);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/metadata/a~1b/0/n', code: 'too_precise' }]);
  });

  test('When a body has other faults, too, then all of them are named, and each once', async () => {
    const { body } = await service.post('/api/products', '{"price":1.2345678901234567891,"metadata":{"n":1e-400}}', {
      headers,
    });

    expect(body.errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/product_name',
      '/price',
      '/metadata/n',
    ]);
  });

  test('When an operation of a batch has one, then that one alone is refused', async () => {
    const operations = [withMetadata('{"n":9007199254740993}'), withMetadata('{"n":1}')];

    const { status, body } = await service.post(
      '/api/products/batch?_on_error=continue',
      `{"create":[${operations}]}`,
      { headers },
    );

    expect([status, body.create[0].status, body.create[1].status]).toEqual([200, 400, 201]);
    expect(body.create[0].problem.errors).toMatchObject([{ pointer: '/create/0/metadata/n', code: 'too_precise' }]);
  });

  test.each([
    ['stock', '{"delta":1.00000000000000000001}', '/delta'],
    ['batch', '{"delete":[{"id":1.00000000000000000001}]}', '/delete/0/id'],
  ])('When a %s call has one, then it is refused', async (action, text, pointer) => {
    const { id } = await make.product();
    const path = action === 'batch' ? '/api/products/batch' : `/api/products/${id}/stock`;

    const { status, body } = await service.post(path, text, { headers });

    expect([status, body.errors[0].pointer, body.errors[0].code]).toEqual([400, pointer, 'too_precise']);
  });
});
