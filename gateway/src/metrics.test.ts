import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { parseExposition } from '@shop/service-kit/exposition.ts';
import { Health } from '@shop/service-kit/health.ts';
import { listen, type RunningServer } from '@shop/service-kit/server.ts';
import { startTelemetry } from '@shop/service-kit/telemetry.ts';
import { memoryLogger, request } from '@shop/service-kit/testing.ts';
import { createGateway } from './app.ts';
import { gatewayConfig } from './config.ts';

let gateway: RunningServer;

beforeAll(async () => {
  // A port that nothing listens on.
  const nowhere = 'http://127.0.0.1:1';
  const config = gatewayConfig({ CATALOG_SERVICE_URL: nowhere, TAGGING_SERVICE_URL: nowhere, GATEWAY_PORT: '0' });
  const { logger } = memoryLogger();
  await startTelemetry(config.telemetry, () => logger);
  gateway = await listen(await createGateway(config, logger, new Health('gateway')), config);
});
afterAll(() => gateway.close());

test('When a service is away, then its requests are counted by the prefix and the status, and as its failures', async () => {
  await request(`${gateway.url}/api/products/17`);
  await request(`${gateway.url}/api/products/18?q=secret`);
  await request(`${gateway.url}/api/tags`);

  const samples = parseExposition((await request(`${gateway.url}/metrics`)).text);
  const shown = (name: string) =>
    samples.filter((sample) => sample.name === name).map(({ labels, value }) => ({ ...labels, value }));
  expect(shown('http_request_duration_seconds_count')).toEqual([
    { method: 'GET', route: '/api/products/*', status: '503', value: 2 },
    { method: 'GET', route: '/api/tags/*', status: '503', value: 1 },
  ]);
  expect(shown('upstream_failures_total')).toEqual([
    { upstream: 'catalog-service', reason: 'unavailable', value: 2 },
    { upstream: 'catalog-service', reason: 'upstream_timeout', value: 0 },
    { upstream: 'tagging-service', reason: 'unavailable', value: 1 },
    { upstream: 'tagging-service', reason: 'upstream_timeout', value: 0 },
  ]);
});
