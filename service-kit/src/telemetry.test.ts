import { expect, test } from '@jest/globals';
import { memoryLogger, request } from '@shop/testing/http.ts';
import { createApp } from './app.ts';
import { listen } from './server.ts';
import { startTelemetry, stopTelemetry, telemetryConfig } from './telemetry.ts';

test('When spans cannot be delivered to a URL with a password, then the log names the URL without it', async () => {
  const { logger, lines } = memoryLogger();
  const local = { host: '127.0.0.1', port: 0 };
  const collector = await listen((_req, res) => void res.writeHead(400).end(), local);
  const { host } = new URL(collector.url);
  const env = {
    METRICS: 'false',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://user:hunter2@${host}/spans`,
    OTEL_BSP_SCHEDULE_DELAY: '1',
  };
  await startTelemetry(telemetryConfig('test', env), () => logger);
  const server = await listen(createApp({ logger, routers: [] }), local);
  await request(server.url);
  await server.close();
  await stopTelemetry();
  await collector.close();

  expect(lines.map(({ msg }) => msg)).toContain(
    `spans cannot be delivered to http://…@${host}/spans/v1/traces; they are dropped`,
  );
  expect(JSON.stringify(lines)).not.toContain('hunter2');
});
