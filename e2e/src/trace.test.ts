import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { type CollectedSpan, startCollector } from './otlp-collector.ts';

const credential = 'Bearer credential-that-nobody-sees';
let collector: Awaited<ReturnType<typeof startCollector>>;
let stack: Stack;

beforeAll(async () => {
  collector = await startCollector();
  stack = await startStack(await temporaryFolder(), {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '100',
  });
});
afterAll(async () => {
  await stack.stop();
  await removeFolder(stack.folder);
  await collector.close();
});

/** Sends a request as a part of a new trace; `flags` says whether the trace is kept. */
async function send(path: string, options: Parameters<typeof request>[1] = {}, flags = '01') {
  const [traceId, parentSpanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  const traceparent = `00-${traceId}-${parentSpanId}-${flags}`;
  const response = await request(stack.gateway + path, {
    ...options,
    headers: { traceparent, 'X-Request-Id': `of-${traceId}`, Authorization: credential },
  });
  return { traceId, parentSpanId, response };
}

/** The spans of a trace, once the gateway's has been delivered, with all that was sent before it. */
async function spansOf(traceId: string): Promise<CollectedSpan[]> {
  const isRoot = ({ service, kind }: CollectedSpan) => service === 'gateway' && kind === 'server';
  const isAnswered = ({ service, kind }: CollectedSpan) => service !== 'gateway' && kind === 'server';
  for (;;) {
    const found = collector.spans.filter((span) => span.traceId === traceId);
    if (found.some(isRoot) && found.some(isAnswered)) return found;
    await delay(50);
  }
}

/** The lines of the stack's log that name a request, once both services have written theirs. */
async function linesOf(traceId: string): Promise<Record<string, unknown>[]> {
  for (;;) {
    const lines = stack.output().split('\n');
    const found = lines.filter((line) => line.startsWith('{') && line.includes(`of-${traceId}`));
    if (found.length >= 2) return found.map((line) => JSON.parse(line));
    await delay(50);
  }
}

const only = (spans: CollectedSpan[], service: string, kind: string): CollectedSpan => {
  // A request that has been under way for a while tells the database, by a SET, how little time a statement has.
  const found = spans.filter((span) => span.service === service && span.kind === kind && span.name !== 'SET');
  expect(found.map(({ name }) => name)).toHaveLength(1);
  return found[0] as CollectedSpan;
};

test('When a product is read in a trace, then the trace leads from the gateway to the SQL', async () => {
  const { traceId, parentSpanId, response } = await send('/api/products/1');
  const spans = await spansOf(traceId);

  expect(response.status).toBe(200);
  const received = only(spans, 'gateway', 'server');
  const passedOn = only(spans, 'gateway', 'client');
  const answered = only(spans, 'catalog-service', 'server');
  const statement = only(spans, 'catalog-service', 'client');
  expect(received).toMatchObject({ parentSpanId, name: 'GET /api/products/*' });
  expect(passedOn).toMatchObject({ parentSpanId: received.spanId, name: 'GET catalog-service' });
  expect(answered).toMatchObject({ parentSpanId: passedOn.spanId, name: 'GET /api/products/:id' });
  expect(statement).toMatchObject({ parentSpanId: answered.spanId, name: 'SELECT product' });
  expect(answered.attributes).toMatchObject({
    'http.request.method': 'GET',
    'http.route': '/api/products/:id',
    'http.response.status_code': 200,
    'url.path': '/api/products/1',
    'http.request.header.x-request-id': [`of-${traceId}`],
  });
  expect(statement.attributes).toMatchObject({ 'db.system.name': 'mysql', 'db.operation.name': 'SELECT' });
});

test('When a product is created, then its statements are in a transaction, and hold none of its values', async () => {
  const body = { product_name: `Hidden "O'Name" \\' 417`, price: 4711.42, stock: 58_213, tagIds: [1, 2] };
  const { traceId, response } = await send('/api/products', { method: 'POST', body });
  const spans = await spansOf(traceId);

  expect(response.status).toBe(201);
  const transaction = only(spans, 'catalog-service', 'internal');
  const statements = spans.filter(({ parentSpanId }) => parentSpanId === transaction.spanId);
  expect(statements.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['INSERT product', 'INSERT product_tag', 'COMMIT']),
  );
  const shown = JSON.stringify(spans);
  for (const value of ['Hidden', 'Name', '4711', '58213']) expect(shown).not.toContain(value);
});

test('When the database refuses a write, then its span says so by a code, and not by a message', async () => {
  const body = { tag_name: 'Twice the same' };
  await send('/api/tags', { method: 'POST', body });
  const { traceId, response } = await send('/api/tags', { method: 'POST', body });
  const spans = await spansOf(traceId);

  expect(response.status).toBe(409);
  const insert = spans.filter(({ name }) => name === 'INSERT tag').at(-1);
  expect(insert).toMatchObject({ failed: true, attributes: { 'error.type': 'ER_DUP_ENTRY' } });
  expect(JSON.stringify(spans)).not.toMatch(/twice the same/i);
});

test('When a client sends credentials, then no span holds them', async () => {
  const { traceId } = await send('/api/tags?q=somewhat-private');
  const spans = await spansOf(traceId);

  expect(JSON.stringify(spans)).not.toMatch(/credential-that|somewhat-private/);
});

test('When a request is traced, then the lines of both services name the trace', async () => {
  const { traceId } = await send('/api/categories/1');
  const lines = await linesOf(traceId);

  expect(lines.map(({ service, trace_id }) => ({ service, trace_id }))).toEqual(
    expect.arrayContaining([
      { service: 'gateway', trace_id: traceId },
      { service: 'catalog-service', trace_id: traceId },
    ]),
  );
  expect(lines.every(({ span_id }) => /^[0-9a-f]{16}$/.test(String(span_id)))).toBe(true);
});

test('When a client has decided that its trace is not kept, then neither service begins one', async () => {
  const { traceId } = await send('/api/products/2', {}, '00');
  const lines = await linesOf(traceId);
  // What is delivered later was begun later.
  await spansOf((await send('/api/products/3')).traceId);

  expect(lines.filter(({ trace_id }) => trace_id !== undefined)).toEqual([]);
  expect(collector.spans.filter(({ attributes }) => attributes['url.path'] === '/api/products/2')).toEqual([]);
});
