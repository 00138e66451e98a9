import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import { createApp } from './app.ts';
import { listen, type RunningServer } from './server.ts';
import { startTelemetry, stopTelemetry, telemetryConfig } from './telemetry.ts';

/** A collector that refuses, until it is told not to. */
let refuses = true;
let deliveries = 0;
const collector = createServer((req, res) => {
  req.resume().on('end', () => {
    deliveries += 1;
    res.writeHead(refuses ? 400 : 200, { 'Content-Type': 'application/x-protobuf' }).end();
  });
});
let server: RunningServer;
let lines: Record<string, unknown>[];

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}/`;
  await startTelemetry(
    telemetryConfig('test', { METRICS: 'false', OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_SCHEDULE_DELAY: '100' }),
    () => memory.logger,
  );
  const memory = memoryLogger();
  lines = memory.lines;
  server = await listen(createApp({ logger: memory.logger, routers: [] }), { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await stopTelemetry();
  collector.close();
});

/** Requests, until spans have been delivered (or refused) so many times more. */
async function untilDelivered(times: number): Promise<void> {
  for (const wanted = deliveries + times; deliveries < wanted; await delay(20)) {
    expect((await request(`${server.url}/nothing`)).status).toBe(404);
  }
}

const about = (text: string) => lines.filter(({ msg }) => String(msg).includes(text)).map(({ level }) => level);

test('When spans cannot be delivered, then requests are answered, and the log says it once; and once when it is over', async () => {
  await untilDelivered(3);

  expect(about('cannot be delivered')).toEqual(['warn']);

  refuses = false;
  await untilDelivered(3);

  expect(about('are delivered to')).toEqual(['info']);
  expect(about('cannot be delivered')).toEqual(['warn']);
});

test('When a request has credentials in its traceparent, then it begins a trace of its own', async () => {
  await request(`${server.url}/odd`, { headers: { traceparent: 'Bearer secret', tracestate: 'secret=1' } });
  while (!lines.some(({ msg }) => String(msg).includes('/odd'))) await delay(5);

  const line = lines.find(({ msg }) => String(msg).includes('/odd'));
  expect(line?.trace_id).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, /OTEL_EXPORTER_OTLP_ENDPOINT must be an http or https URL/],
  [{ OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc' }, /OTEL_EXPORTER_OTLP_PROTOCOL must be http\/protobuf/],
  [{ OTEL_TRACES_SAMPLER: 'sometimes' }, /OTEL_TRACES_SAMPLER must be one of always_on, /],
  [{ OTEL_TRACES_SAMPLER_ARG: '10%' }, /OTEL_TRACES_SAMPLER_ARG must be a share from 0 to 1/],
  [{ METRICS: 'yes' }, /METRICS must be true or false/],
])('When the setting is %j, then the start says what it should be', (env, message) => {
  expect(() => telemetryConfig('test', env)).toThrow(message);
});

test('When there is an endpoint, then spans go to it by the names and defaults of OpenTelemetry', () => {
  expect(telemetryConfig('test', {}).tracing).toBeUndefined();
  expect(telemetryConfig('test', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }).tracing).toEqual({
    service: 'test',
    url: 'http://collector:4318/v1/traces',
    sampler: 'parentbased_always_on',
    ratio: 1,
    deliveryInterval: 5_000,
  });
  expect(
    telemetryConfig('test', {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://traces/in',
      OTEL_SERVICE_NAME: 'shop',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
      OTEL_BSP_SCHEDULE_DELAY: '100',
    }).tracing,
  ).toEqual({
    service: 'shop',
    url: 'http://traces/in',
    sampler: 'parentbased_traceidratio',
    ratio: 0.1,
    deliveryInterval: 100,
  });
});
