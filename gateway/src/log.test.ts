import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, naming, nowhere, startGateway, startUpstream } from './testing.ts';

afterEach(closeAll);

type Line = Record<string, unknown>;

/** Waits until the log has a line, and gives all lines that are like it. */
async function linesLike(lines: Line[], isIt: (line: Line) => boolean): Promise<Line[]> {
  while (!lines.some(isIt)) await delay(20);
  return lines.filter(isIt);
}

const isUpstream = (line: Line) => 'upstream' in line;
const levels = (lines: Line[]) => new Set(lines.map(({ level }) => level));

test('When the services start after the gateway, then nothing is warned of', async () => {
  const [catalog, tagging] = [await nowhere(), await nowhere()];
  const { lines } = await startGateway({ catalog, tagging });
  await linesLike(lines, ({ state }) => state === 'away');
  for (const url of [catalog, tagging]) await startUpstream(naming('up'), { port: Number(new URL(url).port) });
  while (lines.filter(({ state }) => state === 'ready').length < 2) await delay(20);

  expect(levels(lines.filter((line) => isUpstream(line) && line.state === 'away'))).toEqual(new Set(['debug']));
  expect(levels(lines.filter((line) => isUpstream(line) && line.state === 'ready'))).toEqual(new Set(['info']));
});

test('When a service that was ready is away, then that is warned of once, and its return is told', async () => {
  const upstream = await startUpstream(naming('up'));
  const { port } = new URL(upstream.url);
  const { lines, pools } = await startGateway({ catalog: upstream.url });
  while (pools['catalog-service'].pick()?.state !== 'ready') await delay(20);
  await upstream.close();
  const away = await linesLike(lines, ({ state }) => state === 'away');
  await startUpstream(naming('up'), { port: Number(port) });
  const back = await linesLike(lines, ({ state }) => state === 'ready');

  expect(away).toMatchObject([{ level: 'warn', upstream: 'catalog-service' }]);
  expect(back).toMatchObject([{ level: 'info', upstream: 'catalog-service' }]);
});

test('When connections are refused, then each request has one line, with the cause and without a stack', async () => {
  const gateway = await startGateway({ catalog: await nowhere() });
  const answers = await Promise.all(Array.from({ length: 5 }, () => request(`${gateway.url}/api/products`)));
  const ids = answers.map(({ headers }) => headers.get('x-request-id'));
  while (gateway.lines.filter(({ req }) => req).length < 5) await delay(20);
  const lines = gateway.lines.filter(({ request_id }) => ids.includes(String(request_id)));

  expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 503]);
  expect(lines.map(({ request_id }) => request_id).toSorted()).toEqual(ids.toSorted());
  expect(levels(lines)).toEqual(new Set(['warn']));
  for (const line of lines) {
    expect(line).toMatchObject({ res: { status: 503 }, err: { message: expect.stringContaining('ECONNREFUSED') } });
    expect(JSON.stringify(line)).not.toContain('stack');
  }
});

test('When a client goes away before it has its answer, then that is one line without a status, and no warning', async () => {
  const asked = Promise.withResolvers<void>();
  const gateway = await startGateway({ catalog: (_req, res) => void res.write('[', () => asked.resolve()) });
  const client = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  await once(client, 'connect');
  client.write('GET /api/products HTTP/1.1\r\nHost: x\r\n\r\n');
  await asked.promise;
  client.destroy();
  const lines = await linesLike(gateway.lines, ({ req }) => req !== undefined);

  expect(lines).toMatchObject([{ level: 'info', res: { broken_off: true } }]);
  expect(lines[0]?.res).not.toHaveProperty('status');
});

test('When a service breaks its answer off, then that is one line, and a warning', async () => {
  const gateway = await startGateway({ catalog: (_req, res) => void res.write('[', () => res.destroy()) });
  await fetch(`${gateway.url}/api/products`)
    .then((answer) => answer.text())
    .catch(() => {});
  const lines = await linesLike(gateway.lines, ({ req }) => req !== undefined);

  expect(lines).toMatchObject([{ level: 'warn', res: { broken_off: true }, err: { message: expect.any(String) } }]);
});
