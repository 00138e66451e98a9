import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, nowhere, startGateway, startUpstream } from './testing.ts';

afterEach(closeAll);

describe('health', () => {
  const healthy: RequestListener = (_req, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ status: 'up', service: 'x', checks: { database: { status: 'up' } } }));
  };

  test('When every service is up, then /health is 200 and shows each', async () => {
    const gateway = await startGateway({ catalog: healthy, tagging: healthy });

    const { status, body } = await request(`${gateway.url}/health`);

    expect(status).toBe(200);
    expect(body).toMatchObject({
      status: 'up',
      services: { 'catalog-service': { checks: { database: { status: 'up' } } }, 'tagging-service': { status: 'up' } },
    });
  });

  test('When a service is down, then /health is 503 and says which, while the gateway itself is live and ready', async () => {
    const gateway = await startGateway({ catalog: await nowhere(), tagging: healthy });

    const { status, body } = await request(`${gateway.url}/health`);

    expect(status).toBe(503);
    expect(body.services).toMatchObject({ 'catalog-service': { status: 'down' }, 'tagging-service': { status: 'up' } });
    expect((await request(`${gateway.url}/health/live`)).status).toBe(200);
    expect((await request(`${gateway.url}/health/ready`)).status).toBe(200);
  });

  test('When the operations port of a service is asked, then its health and metrics are passed on and its API is not', async () => {
    const { url: catalog } = await startUpstream(healthy, { isReady: false });
    const gateway = await startGateway({ catalog });
    const operations = await gateway.startOperations('catalog-service');

    expect((await request(`${operations.url}/health/ready`)).body).toMatchObject({ service: 'x' });
    expect((await request(`${operations.url}/metrics`)).body).toMatchObject({ service: 'x' });
    expect((await request(`${operations.url}/api/products`)).status).toBe(404);
  });
});
