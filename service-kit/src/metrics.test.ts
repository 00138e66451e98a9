import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseExposition, type Sample } from '@shop/testing/exposition.ts';
import { memoryLogger, request } from '@shop/testing/http.ts';
import * as z from 'zod';
import { createApp } from './app.ts';
import { metricsRoutes, showPool, upstreamFailed } from './metrics.ts';
import { openApiDocument } from './openapi.ts';
import { defineRoute } from './route.ts';
import { routerOf } from './router.ts';
import { listen, type RunningServer } from './server.ts';
import { startTelemetry, telemetryConfig } from './telemetry.ts';

const statements = { prepared: 40, preparedMax: 1_000, unprepared: 7, refused: 3 };
const pool = { inUse: 2, idle: 1, waiting: 5, max: 10, statements };
const { logger, lines } = memoryLogger();
let server: RunningServer;
let documented: string[];

const thing = defineRoute({
  method: 'get',
  path: '/api/things/:id',
  operationId: 'getThing',
  tag: 'things',
  summary: 'One thing',
  params: z.object({ id: z.string() }),
  replies: { 200: { description: 'The thing.', schema: z.object({}) } },
  problems: [],
  // `late` is never answered.
  handler: ({ params }) => (params.id === 'late' ? new Promise(() => {}) : Promise.resolve({ status: 200, body: {} })),
});

beforeAll(async () => {
  expect(metricsRoutes()).toEqual([]);
  await startTelemetry(telemetryConfig('test', {}), () => logger);
  showPool(() => pool);
  const routes = [thing, ...metricsRoutes()];
  documented = Object.keys(openApiDocument('test', routes).paths ?? {});
  server = await listen(createApp({ logger, routers: [routerOf(routes)] }), { host: '127.0.0.1', port: 0 });
});
afterAll(() => server.close());

const scrape = async (): Promise<Sample[]> => parseExposition((await request(`${server.url}/metrics`)).text);

/** How many requests were counted with these labels. */
async function countOf(labels: Record<string, string>): Promise<number> {
  const counts = (await scrape()).filter(({ name }) => name === 'http_request_duration_seconds_count');
  const found = counts.filter((sample) =>
    Object.entries(labels).every(([name, value]) => sample.labels[name] === value),
  );
  return found.reduce((sum, { value }) => sum + value, 0);
}

const sampleOf = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> =>
  (await scrape()).find((sample) => sample.name === name && JSON.stringify(sample.labels) === JSON.stringify(labels))
    ?.value;

/** A request line as a client of the worst kind may write it, and what came back. */
async function raw(head: string): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.end(`${head}\r\nHost: test\r\nConnection: close\r\n\r\n`);
  await once(socket, 'close');
  return answer;
}

describe('GET /metrics', () => {
  test('When it is asked for, then it is text in the version that Prometheus reads, and is not kept', async () => {
    const { status, headers } = await request(`${server.url}/metrics`);

    expect(status).toBe(200);
    expect(headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(headers.get('cache-control')).toBe('no-store');
  });

  test('When the routes are documented, then it is among them', () => {
    expect(documented).toContain('/metrics');
  });

  test('When paths differ only in their parameters, then they count as one route', async () => {
    const labels = { method: 'GET', route: '/api/things/:id', status: '200' };
    const before = await countOf(labels);
    for (const id of ['1', '2', 'x']) await request(`${server.url}/api/things/${id}`);

    expect(await countOf(labels)).toBe(before + 3);
  });

  test('When a path leads nowhere, then it is not named', async () => {
    await request(`${server.url}/secret-path`);

    const routes = (await scrape()).map(({ labels }) => labels.route);
    expect(await countOf({ route: 'other', status: '404' })).toBeGreaterThan(0);
    expect(routes).not.toContain('/secret-path');
  });

  test('When a method is not one of ours, then it counts as other', async () => {
    expect(await raw('PROPFIND /api/things/1 HTTP/1.1')).toMatch(/^HTTP\/1\.1 405 /);

    expect(await countOf({ method: 'other', status: '405' })).toBeGreaterThan(0);
    expect(await countOf({ method: 'PROPFIND' })).toBe(0);
  });

  test('When it has been asked for, then neither the log nor the count of requests knows of it', async () => {
    await request(`${server.url}/metrics`);

    expect(lines.filter(({ msg }) => String(msg).includes('/metrics'))).toEqual([]);
    expect(await countOf({ route: '/metrics' })).toBe(0);
  });

  test('When a request is on its way, then it is in flight; when its client goes away, then it counts as 499', async () => {
    const client = new AbortController();
    const late = fetch(`${server.url}/api/things/late`, { signal: client.signal });
    while ((await sampleOf('http_requests_in_flight')) !== 1);
    client.abort();
    await expect(late).rejects.toThrow();
    while ((await sampleOf('http_requests_in_flight')) !== 0);

    expect(await countOf({ route: '/api/things/:id', status: '499' })).toBe(1);
  });

  test('When there is a pool, then it shows what its connections do', async () => {
    expect(await sampleOf('db_pool_connections', { state: 'in_use' })).toBe(2);
    expect(await sampleOf('db_pool_connections', { state: 'idle' })).toBe(1);
    expect(await sampleOf('db_pool_waiting')).toBe(5);
    expect(await sampleOf('db_pool_max')).toBe(10);
  });

  test('When there is a pool, then it shows what its statements are', async () => {
    await scrape();

    expect(await sampleOf('db_prepared_statements')).toBe(40);
    expect(await sampleOf('db_prepared_statements_max')).toBe(1_000);
    expect(await sampleOf('db_unprepared_statements_total', { reason: 'rare' })).toBe(4);
    expect(await sampleOf('db_unprepared_statements_total', { reason: 'refused' })).toBe(3);
  });

  test('When a service could not be asked, then it counts by service and reason', async () => {
    upstreamFailed('catalog-service', 'unavailable');

    const labels = { upstream: 'catalog-service', reason: 'unavailable' };
    expect(await sampleOf('upstream_failures_total', labels)).toBe(1);
  });

  test('When it is asked for, then it has the lag of the event loop and the memory of the process', async () => {
    const names = (await scrape()).map(({ name }) => name);

    expect(names).toEqual(
      expect.arrayContaining([
        'nodejs_eventloop_lag_p99_seconds',
        'process_resident_memory_bytes',
        'process_cpu_seconds_total',
        'process_start_time_seconds',
      ]),
    );
  });
});
