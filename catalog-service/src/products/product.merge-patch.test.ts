import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { atOnce, startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { rowsIn } from './testing.ts';

let service: TestService;
let make: ReturnType<typeof rowsIn>;
beforeAll(async () => {
  service = await startTestService(catalogService);
  make = rowsIn(service);
});
afterAll(() => service.stop());

const typed = (type: string, headers = {}) => ({ headers: { 'Content-Type': type, ...headers } });
const mergePatch = 'application/merge-patch+json';
const made = async (metadata: object) => `/api/products/${(await make.product({ metadata })).id}`;

test.each<[object, object, object]>([
  [{ b: 2 }, { a: 1 }, { a: 1, b: 2 }],
  [{ a: 1, b: 2 }, { a: null }, { b: 2 }],
  [{ a: { b: 1, c: [1, 2] } }, { a: { c: [3], d: { e: null } } }, { a: { b: 1, c: [3], d: {} } }],
  [{ a: [1] }, { a: { b: 1 } }, { a: { b: 1 } }],
  [{ a: { b: 1 } }, { a: 'text' }, { a: 'text' }],
  [{}, JSON.parse('{"__proto__":{"a":1}}'), JSON.parse('{"__proto__":{"a":1}}')],
])('When metadata are %j and a merge patch is %j, then they are %j', async (before, patch, after) => {
  const path = await made(before);

  const { status, body } = await service.patch(path, { metadata: patch }, typed(mergePatch));

  expect([status, body.metadata]).toEqual([200, after]);
  expect((await service.get(path)).body.metadata).toEqual(after);
});

test('When the body is plain JSON, then metadata are replaced as a whole', async () => {
  const path = await made({ b: 2 });

  expect((await service.patch(path, { metadata: { a: 1 } })).body.metadata).toEqual({ a: 1 });
});

test('When a merge patch changes nothing, then the version stays', async () => {
  const path = await made({ a: { b: 2 } });

  expect((await service.patch(path, { metadata: { a: { b: 2 } } }, typed(mergePatch))).body.version).toBe(1);
});

test('When ten merge patches come at once, then none is lost', async () => {
  const path = await made({});

  await atOnce(10, (index) => service.patch(path, { metadata: { [`k${index}`]: index } }, typed(mergePatch)));

  expect(Object.keys((await service.get(path)).body.metadata)).toHaveLength(10);
});

test('When metadata would be too large together, then it is 400 and nothing changes', async () => {
  const path = await made({ a: 'x'.repeat(10_000) });

  const { status, body } = await service.patch(path, { metadata: { b: 'x'.repeat(10_000) } }, typed(mergePatch));

  expect(status).toBe(400);
  expect(body.errors).toMatchObject([{ pointer: '/metadata', code: 'too_long' }]);
  expect((await service.get(path)).body.version).toBe(1);
});

test('When a key comes again with the same JSON of another type, then it is another request', async () => {
  const path = await made({ b: 2 });
  const key = { 'Idempotency-Key': 'another-type' };
  await service.patch(path, { metadata: { a: 1 } }, typed(mergePatch, key));

  const { status, body } = await service.patch(path, { metadata: { a: 1 } }, typed('application/json', key));

  expect([status, body.code]).toEqual([422, 'idempotency_key_reused']);
});

test('When a change is a JSON patch, then it is 415 and says which patches there are', async () => {
  const operations = [{ op: 'replace', path: '/price', value: 2 }];

  const { status, headers } = await service.patch(await made({}), operations, typed('application/json-patch+json'));

  expect([status, headers.get('Accept-Patch')]).toEqual([415, `application/json, ${mergePatch}`]);
});
