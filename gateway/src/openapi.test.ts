import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, nowhere, startGateway, startUpstream } from './testing.ts';

afterEach(closeAll);

describe('the API description', () => {
  const describing =
    (path: string, components: object): RequestListener =>
    (_req, res) => {
      const document = {
        openapi: '3.1.1',
        info: {},
        paths: { [path]: {}, '/openapi.json': {} },
        components: { schemas: components },
      };
      res.end(JSON.stringify(document));
    };

  test('When both services describe themselves, then /openapi.json has the paths and components of both', async () => {
    const gateway = await startGateway({
      catalog: describing('/api/products', { Product: { type: 'object' }, Money: { type: 'object' } }),
      tagging: describing('/api/tags', { Tag: { type: 'object' }, Money: { type: 'object' } }),
    });

    const { body } = await request(`${gateway.url}/openapi.json`);

    expect(Object.keys(body.paths)).toEqual(['/health', '/health/live', '/health/ready', '/api/products', '/api/tags']);
    expect(Object.keys(body.components.schemas)).toEqual(expect.arrayContaining(['Product', 'Tag', 'Money', 'Health']));
  });

  test('When the services describe a component differently, then that is a fault of ours, and it is logged', async () => {
    const gateway = await startGateway({
      catalog: describing('/api/products', { Money: { type: 'object' } }),
      tagging: describing('/api/tags', { Money: { type: 'string' } }),
    });

    expect((await request(`${gateway.url}/openapi.json`)).status).toBe(500);
    expect(JSON.stringify(gateway.lines)).toContain('describe the component Money differently');
  });

  test('When a service is away that has described itself before, then its part is still there', async () => {
    const { url: catalog, close } = await startUpstream(describing('/api/products', {}));
    const gateway = await startGateway({ catalog, tagging: describing('/api/tags', {}) });
    await request(`${gateway.url}/openapi.json`);
    await close();

    expect(Object.keys((await request(`${gateway.url}/openapi.json`)).body.paths)).toContain('/api/products');
  });

  test('When a service has never been reached, then /openapi.json is 503', async () => {
    const gateway = await startGateway({ catalog: await nowhere(), tagging: describing('/api/tags', {}) });

    expect((await request(`${gateway.url}/openapi.json`)).status).toBe(503);
  });
});

test('When very many ask for the description, then the services are asked a few times', async () => {
  let asked = 0;
  const catalog: RequestListener = (req, res) => {
    if (req.url === '/openapi.json') asked++;
    res.end(JSON.stringify({ openapi: '3.1.1', info: {}, paths: {} }));
  };
  const gateway = await startGateway({ catalog, tagging: catalog });

  const answers = await Promise.all(Array.from({ length: 100 }, () => request(`${gateway.url}/openapi.json`)));

  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  // Once a second, whatever the machine is at.
  expect(asked).toBeLessThan(answers.length);
});
