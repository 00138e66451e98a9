import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { request, serveRoutes } from '@shop/testing/http.ts';
import * as z from 'zod';
import { defineRoute } from './route.ts';
import type { RunningServer } from './server.ts';

const about = { tag: 'things', summary: '', problems: [] };
const thing = { 200: { description: 'A thing.', schema: z.object({}) } };

const routes = [
  defineRoute({
    ...about,
    method: 'get',
    path: '/things/:id',
    operationId: 'getThing',
    params: z.object({ id: z.string() }),
    replies: thing,
    handler: async ({ params }) => ({ status: 200, body: params }),
  }),
  defineRoute({
    ...about,
    method: 'put',
    path: '/things/:id',
    operationId: 'putThing',
    params: z.object({ id: z.string().regex(/^\d+$/, 'must be a number') }),
    query: z.strictObject({ size: z.enum(['s', 'm']).optional() }),
    body: z.strictObject({
      name: z.string(),
      tags: z.array(z.string()).max(3).optional(),
      stock: z.int().max(9).optional(),
      tone: z.string('must be light or dark').optional(),
      parts: z.array(z.object({ count: z.int() })).optional(),
    }),
    crossCheck: ({ body }) =>
      (body as { name?: string } | null)?.name === 'cross'
        ? [{ pointer: '/name', code: 'crossed', detail: 'must not be cross' }]
        : [],
    replies: thing,
    handler: async ({ params, query, body }) => ({ status: 200, body: { params, query, body } }),
  }),
];

let server: RunningServer;
beforeAll(async () => {
  server = await serveRoutes(routes, 1024);
});
afterAll(() => server.close());

type Options = Parameters<typeof request>[1];
const send = (path: string, options?: Options) => request(server.url + path, options);
const json = { 'Content-Type': 'application/json' };

describe('validation', () => {
  const put = (path: string, body?: unknown) => send(path, { method: 'PUT', body });

  test('When path, query and body have faults, then all are named at once', async () => {
    const { status, body } = await put('/things/abc?size=xl&colour=red', {
      name: 5,
      parts: [{}, { count: 'x' }],
      'a/b': 1,
    });

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'validation_failed',
      errors: [
        { parameter: 'id', code: 'invalid_format', detail: 'must be a number' },
        { parameter: 'size', code: 'invalid_value', allowed: ['s', 'm'] },
        { parameter: 'colour', code: 'unknown_parameter', allowed: ['size'] },
        { pointer: '/name', code: 'invalid_type', allowed: { type: 'string' } },
        { pointer: '/parts/0/count', code: 'required' },
        { pointer: '/parts/1/count', code: 'invalid_type' },
        { pointer: '/a~1b', code: 'unknown_field', allowed: ['name', 'tags', 'stock', 'tone', 'parts'] },
      ],
    });
    expect(body.errors).toHaveLength(7);
  });

  test('When a body has more than 1,000 faults, then they are counted and the first 1,000 are named', async () => {
    const other = await serveRoutes(routes, 2 ** 20);
    const unknown = Array.from({ length: 50_000 }, (_, index) => `"k${index}":0`);

    const { status, body, text } = await request(`${other.url}/things/7`, {
      method: 'PUT',
      headers: json,
      body: `{"name":"x",${unknown.join(',')}}`,
    });

    await other.close();
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1_000);
    expect(body.detail).toMatch(/^More than 1000 values are not valid: \/k0 .* at least 981 more\.$/);
    expect(text.length).toBeLessThan(200_000);
  });

  test('When a body has 250,000 values and nearly all are wrong, then the first 1,000 are named', async () => {
    const other = await serveRoutes(routes, 8 * 2 ** 20);
    const names = Array.from({ length: 249_998 }, (_, index) => `"k${index}":1`);
    const { status, body } = await request(`${other.url}/things/1`, {
      method: 'PUT',
      headers: json,
      body: `{"name":"x",${names.join()}}`,
    });

    await other.close();
    expect(status).toBe(400);
    expect(body.errors).toHaveLength(1_000);
    expect(body.detail).toMatch(/^More than 1000 values are not valid/);
  });

  test('When a query has more than 1,000 parameters, then the last one is seen, too', async () => {
    const others = '&size=m'.repeat(1_500);

    const { body } = await send(`/things/7?size=m${others}&colour=red`);

    expect(body.errors.map(({ parameter }: { parameter: string }) => parameter)).toContain('colour');
  });

  test('When nothing but parameters is unknown, then the code is unknown_parameter', async () => {
    const { status, body } = await put('/things/7?colour=red&shape=round', { name: 'x' });

    expect(status).toBe(400);
    expect(body).toMatchObject({
      code: 'unknown_parameter',
      errors: [{ parameter: 'colour' }, { parameter: 'shape' }],
    });
  });

  test('When a parameter that may be given once is given twice, then it says so', async () => {
    const { status, body } = await put('/things/7?size=s&size=m', { name: 'x' });

    expect(status).toBe(400);
    expect(body.errors).toEqual([{ parameter: 'size', code: 'invalid_value', detail: 'must be given once' }]);
  });

  test('When a value is of the wrong type and has the wrong size, too, then the type alone is told', async () => {
    const { body } = await put('/things/7', { name: 'x', tags: 'far too long' });

    expect(body.errors).toEqual([
      { pointer: '/tags', code: 'invalid_type', detail: 'must be an array', allowed: { type: 'array' } },
    ]);
  });

  test('When a number passes two bounds, then the narrower one is told', async () => {
    const { body } = await put('/things/7', { name: 'x', stock: 2 ** 53 });

    expect(body.errors).toEqual([
      { pointer: '/stock', code: 'too_large', detail: 'must be at most 9', allowed: { maximum: 9 } },
    ]);
  });

  test('When a schema has a sentence of its own for a wrong type, then that is told', async () => {
    const { body } = await put('/things/7', { name: 'x', tone: 5 });

    expect(body.errors).toMatchObject([{ pointer: '/tone', code: 'invalid_type', detail: 'must be light or dark' }]);
  });

  test.each(['%E9', '%', 'a%zz', '%F0%9F%94'])('When a parameter is %s, then it is 400 as in a path', async (value) => {
    const { status, body } = await put(`/things/7?size=${value}&colour=%C3%A9`, { name: 'x' });

    expect(status).toBe(400);
    expect(body.errors).toEqual([
      { parameter: 'size', code: 'invalid_text', detail: 'must be UTF-8 in percent-encoding' },
    ]);
  });

  test('When a route has no query, then any parameter is unknown', async () => {
    const { status, body } = await send('/things/7?colour=red');

    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'unknown_parameter', errors: [{ parameter: 'colour' }] });
  });

  test('When only the cross check finds a fault, then it is 400 with that fault', async () => {
    const { status, body } = await put('/things/7', { name: 'cross' });

    expect(status).toBe(400);
    expect(body.errors).toEqual([{ pointer: '/name', code: 'crossed', detail: 'must not be cross' }]);
  });

  test.each([
    ['no body', {}],
    ['no body but a type', { headers: json }],
  ])('When there is %s, then it is 400', async (_, options) => {
    const { status, body } = await send('/things/7', { method: 'PUT', ...options });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ code: 'required' }]);
  });

  test('When there are no faults, then the handler gets the parsed values', async () => {
    const { status, body } = await put('/things/7?size=m', { name: 'x' });

    expect(status).toBe(200);
    expect(body).toEqual({ params: { id: '7' }, query: { size: 'm' }, body: { name: 'x' } });
  });
});

test('When a name is as long as a body may be, then the problem tells its beginning', async () => {
  const name = `~${'x'.repeat(900)}`;
  const body = { name: 'thing', [name]: 1 };

  const { status, text } = await request(`${server.url}/things/7`, { method: 'PUT', body });

  expect(status).toBe(400);
  expect(JSON.parse(text).errors).toMatchObject([{ pointer: `/~0${'x'.repeat(199)}…`, code: 'unknown_field' }]);
  expect(text.length).toBeLessThan(1_500);
});
