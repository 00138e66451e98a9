import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTelemetry } from '@shop/service-kit/telemetry.ts';
import { parseExposition } from '@shop/testing/exposition.ts';
import { memoryLogger, request } from '@shop/testing/http.ts';
import { closeAll, nowhere, startGateway, type TestGateway } from './testing.ts';

let gateway: TestGateway;

beforeAll(async () => {
  await startTelemetry({ metrics: true }, () => memoryLogger().logger);
  gateway = await startGateway({ catalog: await nowhere(), tagging: await nowhere() });
});
afterAll(closeAll);

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

test('When a connection to a service breaks, then the request that is sent again counts as a retry, and as no failure', async () => {
  let asked = 0;
  const breaking = await startGateway({
    catalog: await nowhere(),
    tagging: (req, res) => {
      asked += 1;
      if (asked === 1) req.socket.destroy();
      else res.end('{}');
    },
  });
  const countOf = async (metric: string): Promise<number> =>
    parseExposition((await request(`${breaking.url}/metrics`)).text)
      .filter(({ name, labels }) => name === metric && labels.upstream === 'tagging-service')
      .reduce((sum, { value }) => sum + value, 0);
  const [failures, retries] = [await countOf('upstream_failures_total'), await countOf('upstream_retries_total')];

  expect((await request(`${breaking.url}/api/tags/1`)).status).toBe(200);

  expect(await countOf('upstream_retries_total')).toBe(retries + 1);
  expect(await countOf('upstream_failures_total')).toBe(failures);
});
