import { beforeAll, describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { request } from '@shop/testing/http.ts';
import { baseUrl } from './client.ts';

interface Media {
  schema?: object;
  examples?: Record<string, { value: unknown }>;
}
interface Document {
  openapi: string;
  components: { securitySchemes: object };
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        parameters?: { in: string; name: string }[];
        requestBody?: { required?: boolean; content: Record<string, Media> };
        responses: object;
        security?: object[];
      }
    >
  >;
}

let document: Document;
beforeAll(async () => {
  document = (await request<Document>(`${baseUrl()}/openapi.json`)).body;
});

describe('/openapi.json', () => {
  test('When it is validated, then it is a valid OpenAPI 3.1 document', async () => {
    const { valid, errors } = await new Validator().validate(
      structuredClone(document) as unknown as Record<string, unknown>,
    );

    expect(errors ?? []).toEqual([]);
    expect(valid).toBe(true);
    expect(document.openapi).toMatch(/^3\.1\./);
  });

  test('When its paths are listed, then they are the whole API', () => {
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method} ${path}`),
    );
    const resources = ['categories', 'products', 'tags'].flatMap((name) => [
      `get /api/${name}`,
      `post /api/${name}`,
      `post /api/${name}/batch`,
      `get /api/${name}/{id}`,
      `put /api/${name}/{id}`,
      `patch /api/${name}/{id}`,
      `delete /api/${name}/{id}`,
    ]);

    expect(operations.toSorted()).toEqual(
      [
        ...resources,
        'get /api/categories/tree',
        'get /api/products/facets',
        'post /api/products/{id}/stock',
        'get /api/products/{id}/stock-movements',
        'post /api/tags/{id}/products',
        'post /api/tags/{id}/merge',
        'get /health',
        'get /health/live',
        'get /health/ready',
        'get /metrics',
      ].toSorted(),
    );
  });

  test('When a body of 2 KiB is sent to each operation of the API, then those that need one read it, and the others refuse it', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      if (!path.startsWith('/api/')) continue;
      for (const [method, { requestBody }] of Object.entries(item)) {
        // `fetch` sends no body with it.
        if (method === 'get') continue;
        const { status, body } = await request(baseUrl() + path.replace('{id}', '999999999'), {
          method: method.toUpperCase(),
          body: 'x'.repeat(2_048),
          headers: { 'Content-Type': 'application/json' },
        });
        expect([method, path, status, body.code]).toEqual(
          requestBody?.required ? [method, path, 400, 'invalid_json'] : [method, path, 413, 'body_too_large'],
        );
      }
    }
  });

  test('When its operations are listed, then each has an id of its own and every body has an example', () => {
    const operations = Object.values(document.paths).flatMap((item) => Object.values(item));
    const ids = operations.map(({ operationId }) => operationId);
    const bodies = operations.flatMap(({ requestBody }) => (requestBody ? Object.values(requestBody.content) : []));

    expect(new Set(ids).size).toBe(ids.length);
    expect(bodies.length).toBe(21);
    expect(bodies.every(({ examples }) => Object.keys(examples ?? {}).length > 0)).toBe(true);
  });

  test('When its operations are listed, then those of the API may want a key and be limited, and no others', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, { responses, security }] of Object.entries(item)) {
        const refusals = ['401', '403', '429'].filter((status) => status in responses);
        const expected = path.startsWith('/api/')
          ? { refusals: ['401', '403', '429'], security: [{ key: [] }, {}] }
          : { refusals: [] };
        expect([method, path, { refusals, ...(security && { security }) }]).toEqual([method, path, expected]);
      }
    }
    expect(document.components.securitySchemes).toMatchObject({ key: { type: 'http', scheme: 'bearer' } });
  });

  test('When its writes are listed, then each has a key and a dry run, and each change a precondition', () => {
    const writes = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item)
        .filter(([method]) => method !== 'get')
        // A stock is added to or taken from, whatever the version.
        .map(([, operation]) => ({
          ...operation,
          isConditional: path.includes('{id}'),
          isStock: path.endsWith('/stock'),
        })),
    );
    for (const { operationId, parameters = [], responses, isConditional, isStock } of writes) {
      const names = parameters.filter((parameter) => parameter.in !== 'path').map(({ name }) => name);
      const own =
        operationId === 'deleteCategory'
          ? ['products']
          : operationId.startsWith('batch')
            ? ['_on_error', '_return']
            : [];
      const preconditions = isConditional ? ['If-Match', 'If-None-Match'] : [];
      const expected = ['Idempotency-Key', '_dry_run', '_pretty', ...preconditions, ...own];
      expect([operationId, names.toSorted()]).toEqual([operationId, expected.toSorted()]);
      expect(Object.keys(responses)).toEqual(
        expect.arrayContaining(['409', '422', ...(isConditional ? ['412', ...(isStock ? [] : ['428'])] : [])]),
      );
    }
    expect(writes.length).toBeGreaterThan(0);
  });

  test('When the examples of its bodies are sent to an empty id, then none is found invalid', async () => {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const method of ['put', 'patch']) {
        const example = Object.values(item[method]?.requestBody?.content['application/json']?.examples ?? {})[0];
        if (!example) continue;
        const { status } = await request(baseUrl() + path.replace('{id}', '4000000'), {
          method: method.toUpperCase(),
          body: example.value,
        });
        expect([path, method, status]).toEqual([path, method, 404]);
      }
    }
  });
});
