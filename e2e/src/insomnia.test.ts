import { describe, expect, test } from '@jest/globals';
import { readCollection, requestsOf, runCollection, toPostman } from './insomnia.ts';

const gateway = process.env.E2E_BASE_URL ?? '';

interface OpenApiPaths {
  paths: Record<string, Record<string, unknown>>;
}

/** The requests that are answered as asked; those that are refused say nothing about what a route does. */
async function workingRequests(): Promise<{ method: string; path: string }[]> {
  const { collection } = await readCollection();
  return requestsOf(collection)
    .filter(({ folders }) => !folders.includes('What bad input gets'))
    .map(({ request: { method, url } }) => ({ method, path: url.replace('{{ _.base_url }}', '') }));
}

/** Whether a path is one of the template, be the value of a parameter there written out or a template tag. */
const isOf = (template: string, path: string): boolean =>
  new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path);

describe('The Insomnia collection', () => {
  test('When it runs against a live, seeded gateway, then every assertion holds', async () => {
    const { requests, assertions, failures } = await runCollection(gateway);
    expect(failures).toEqual([]);
    expect(requests).toBe(requestsOf((await readCollection()).collection).length);
    expect(assertions).toBeGreaterThan(30);
  });

  test('When the API has an operation, then a request of the collection calls it', async () => {
    const { paths } = (await (await fetch(`${gateway}/openapi.json`)).json()) as OpenApiPaths;
    const operations = Object.entries(paths).flatMap(([template, item]) =>
      Object.keys(item).map((method) => ({ method: method.toUpperCase(), template })),
    );
    const requests = await workingRequests();
    const missing = operations.filter(
      ({ method, template }) => !requests.some((request) => request.method === method && isOf(template, request.path)),
    );
    expect(operations.length).toBeGreaterThan(0);
    expect(missing.map(({ method, template }) => `${method} ${template}`)).toEqual([]);
  });

  test('When the gateway lists its entry points, then a request of the collection gets each of them', async () => {
    const index = (await (await fetch(gateway, { headers: { Accept: 'application/json' } })).json()) as object;
    const paths = (await workingRequests()).filter(({ method }) => method === 'GET').map(({ path }) => path);
    expect(Object.keys(index).filter((path) => !paths.includes(path))).toEqual([]);
  });

  test('When an environment is asked for that it does not have, then the error names those that it has', async () => {
    const collection = await readCollection();
    expect(() => toPostman(collection, 'staging')).toThrow(
      'the collection has no environment "staging", only "local (npm start)", "docker compose"',
    );
  });
});
