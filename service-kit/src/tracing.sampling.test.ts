import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { SamplingDecision, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace';
import { memoryLogger, request, serveRoutes } from '@shop/testing/http.ts';
import * as z from 'zod';
import { defineRoute } from './route.ts';
import type { RunningServer } from './server.ts';
import { startTelemetry, stopTelemetry, telemetryConfig } from './telemetry.ts';

/** What a service passes on of the header that says whether a request is traced. */
const passedOn = defineRoute({
  method: 'get',
  path: '/passed-on',
  operationId: 'getPassedOn',
  tag: 'things',
  summary: '',
  problems: [],
  replies: { 200: { description: 'The header.', schema: z.object({}) } },
  handler: async ({ request: { headers } }) => ({
    status: 200,
    body: { traceparent: headers.traceparent, tracestate: headers.tracestate },
  }),
});

/** Takes all spans: those that nobody took would be sent again for half a minute, and keep the process alive. */
const collector = createServer((req, res) => req.resume().on('end', () => res.end()));
let server: RunningServer;
beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const env = {
    METRICS: 'false',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: '0.5',
  };
  await startTelemetry(telemetryConfig('test', env), () => memoryLogger().logger);
  server = await serveRoutes([passedOn], 1_024);
});
afterAll(async () => {
  await server.close();
  await stopTelemetry();
  collector.close();
});

test('When half of the traces are kept, then these are so many, and each is kept by its id, as all services would decide', async () => {
  const half = new TraceIdRatioBasedSampler(0.5);
  const answers = await Promise.all(Array.from({ length: 400 }, () => request(`${server.url}/passed-on`)));
  const traces = answers.map(({ body }) => {
    const [, id = '', flags] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-(0[01])$/.exec(body.traceparent) ?? [];
    return { id, isKept: flags === '01' };
  });

  const isKept = (id: string) => half.shouldSample(ROOT_CONTEXT, id).decision !== SamplingDecision.NOT_RECORD;
  expect(traces).toEqual(traces.map(({ id }) => ({ id, isKept: isKept(id) })));
  // Five standard deviations around 200.
  const kept = traces.filter((trace) => trace.isKept).length;
  expect(Math.abs(kept - 200)).toBeLessThanOrEqual(50);
});

test.each(['00', '01'])(
  'When a request belongs to a trace (flags %s), then it stays in that, with what else its sender says of it',
  async (flags) => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-${flags}`, tracestate: 'vendor=1' };

    const { body } = await request(`${server.url}/passed-on`, { headers });

    expect(body.traceparent).toMatch(new RegExp(`^00-${trace}-[0-9a-f]{16}-${flags}$`));
    expect(body.tracestate).toBe('vendor=1');
  },
);
