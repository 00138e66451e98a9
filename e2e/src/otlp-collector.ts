import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

/** A span as it was delivered, ids as hexadecimal digits. */
export interface CollectedSpan {
  service: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: 'internal' | 'server' | 'client' | 'other';
  attributes: Record<string, unknown>;
  failed: boolean;
}

/** The fields of one protobuf message, in their order: numbers of those that are varints, else bytes. */
function* fieldsOf(message: Buffer): Generator<[field: number, value: bigint | Buffer]> {
  let at = 0;
  const varint = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = message.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const bytes = (length: number): Buffer => {
    at += length;
    return message.subarray(at - length, at);
  };
  while (at < message.length) {
    const tag = Number(varint());
    const wireType = tag & 7;
    if (wireType === 0) yield [tag >> 3, varint()];
    else if (wireType === 1) yield [tag >> 3, bytes(8)];
    else if (wireType === 2) yield [tag >> 3, bytes(Number(varint()))];
    else if (wireType === 5) yield [tag >> 3, bytes(4)];
    else throw new Error(`unknown wire type ${wireType}`);
  }
}

const messages = (message: Buffer, field: number): Buffer[] =>
  [...fieldsOf(message)].flatMap(([number, value]) => (number === field && Buffer.isBuffer(value) ? [value] : []));

const bytesOf = (message: Buffer, field: number): Buffer => messages(message, field)[0] ?? Buffer.of();

const numberIn = (message: Buffer, field: number): number =>
  Number([...fieldsOf(message)].find(([number]) => number === field)?.[1] ?? 0);

/** An `AnyValue`: text, a number or a list. */
function valueIn(any: Buffer): unknown {
  for (const [field, value] of fieldsOf(any)) {
    if (field === 1) return String(value);
    if (field === 4) return (value as Buffer).readDoubleLE();
    if (field === 5) return messages(value as Buffer, 1).map(valueIn);
    return Number(value);
  }
  return undefined;
}

const attributesIn = (message: Buffer, field: number): Record<string, unknown> =>
  Object.fromEntries(
    messages(message, field).map((pair) => [bytesOf(pair, 1).toString(), valueIn(bytesOf(pair, 2))] as const),
  );

/**
 * The spans of an `ExportTraceServiceRequest`.
 * Source: https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 */
function spansIn(body: Buffer): CollectedSpan[] {
  return messages(body, 1).flatMap((resourceSpans) => {
    const service = String(attributesIn(bytesOf(resourceSpans, 1), 1)['service.name']);
    const spans = messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2));
    return spans.map((span) => ({
      service,
      traceId: bytesOf(span, 1).toString('hex'),
      spanId: bytesOf(span, 2).toString('hex'),
      parentSpanId: bytesOf(span, 4).toString('hex'),
      name: bytesOf(span, 5).toString(),
      kind: ({ 1: 'internal', 2: 'server', 3: 'client' } as const)[numberIn(span, 6)] ?? 'other',
      attributes: attributesIn(span, 9),
      failed: numberIn(bytesOf(span, 15), 3) === 2,
    }));
  });
}

/** An OpenTelemetry collector for tests: takes traces by OTLP over HTTP and keeps their spans. */
export async function startCollector() {
  const spans: CollectedSpan[] = [];
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      if (req.url === '/v1/traces') {
        spans.push(...spansIn(req.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
      } else res.statusCode = 404;
      res.setHeader('Content-Type', 'application/x-protobuf').end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
