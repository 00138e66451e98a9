import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { jsonOf } from './body.ts';
import type { ApiDocument, Operation } from './document.ts';
import { anyText } from './odd-value.ts';
import { type ResourceName, resourceNames } from './own-row.ts';
import { queryOf, segmentOf } from './query.ts';

/** What is done to the text of a body before it is sent, and how it is announced. */
export interface Packing {
  name: string;
  /** Headers in the place of the usual `Content-Type`. */
  headers?: [name: string, value: string][];
  pack(text: string): Buffer;
}

/** A request as it is sent, but for the ids of the client's own rows. */
export interface HostileRequest {
  method: string;
  /** Path and query. */
  target: string;
  headers: [name: string, value: string][];
  body: { text: string; packing: Packing } | undefined;
}

const json: [string, string] = ['Content-Type', 'application/json'];
const utf8 = (text: string): Buffer => Buffer.from(text);

const typed = (type: string): Packing => ({
  name: `as ${type || 'an empty type'}`,
  headers: [['Content-Type', type]],
  pack: utf8,
});

const coded = (coding: string, pack: (bytes: Buffer) => Buffer): Packing => ({
  name: `Content-Encoding: ${coding}`,
  headers: [json, ['Content-Encoding', coding]],
  pack: (text) => pack(utf8(text)),
});

const plain: Packing = { name: 'as JSON', pack: utf8 };

const packings: Packing[] = [
  ...[
    'application/json; charset=utf-8',
    'application/json;charset="UTF-8"',
    'application/json;charset=utf-8;x',
    'application/json;charset=utf-16',
    'application/json;charset=latin1',
    'application/json;charset=',
    'application/vnd.api+json',
    'application/merge-patch+json',
    'text/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json, text/plain',
    '*/*',
    '',
    '\u00ff/\u00fe',
  ].map(typed),
  { name: 'without a type', headers: [], pack: utf8 },
  { name: 'with two types', headers: [json, ['Content-Type', 'text/plain']], pack: utf8 },
  coded('gzip', (bytes) => gzipSync(bytes)),
  coded('GZIP', (bytes) => gzipSync(bytes)),
  coded('gzip', (bytes) => bytes),
  coded('gzip', (bytes) => gzipSync(bytes).subarray(0, -6)),
  coded('deflate', (bytes) => deflateSync(bytes)),
  coded('br', (bytes) => brotliCompressSync(bytes)),
  coded('br', (bytes) => bytes),
  coded('zstd', (bytes) => bytes),
  coded('identity', (bytes) => bytes),
  coded('gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))),
  coded('', (bytes) => bytes),
  {
    name: 'with 2 MiB of spaces, as gzip',
    headers: [json, ['Content-Encoding', 'gzip']],
    pack: (text) => gzipSync(utf8(text + ' '.repeat(2 ** 21))),
  },
  { name: 'in UTF-16', pack: (text) => Buffer.from(text, 'utf16le') },
  { name: 'in Latin-1', pack: (text) => Buffer.from(text, 'latin1') },
  { name: 'behind a byte order mark', pack: (text) => utf8(`\ufeff${text}`) },
  {
    name: 'with a byte that is not UTF-8',
    pack: (text) => Buffer.concat([utf8(text.slice(0, -2)), Buffer.from([0xff]), utf8(text.slice(-2))]),
  },
  { name: 'cut off in the middle', pack: (text) => utf8(text).subarray(0, Math.floor(text.length / 2)) },
  { name: 'twice', pack: (text) => utf8(text + text) },
  { name: 'with NUL behind it', pack: (text) => utf8(`${text}\0`) },
  { name: 'empty', pack: () => Buffer.alloc(0) },
];

/** A text that may stand in a header. */
const headerText = anyText.map((text) =>
  Buffer.from(text, 'utf8')
    .toString('latin1')
    .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
    .slice(0, 4_000),
);

const tags = [
  '*',
  '"1-x"',
  '"2-x"',
  'W/"1-x"',
  '"1-x", "2-x"',
  '"',
  '""',
  '"1',
  '1',
  ',,,',
  '"1-x"x',
  '"a,b"',
  '"'.repeat(3_999),
  '", '.repeat(1_300),
  'W/'.repeat(2_000),
];
const keys = [
  '"key"',
  'key',
  '"ke\\"y"',
  '"',
  '"\\"',
  'k'.repeat(255),
  'k'.repeat(256),
  '\u00e9',
  'a b',
  '',
  '"'.padEnd(3_999, '\\'),
];

const known: Record<string, fc.Arbitrary<string>> = {
  'If-Match': fc.oneof(fc.constantFrom(...tags), headerText),
  'If-None-Match': fc.oneof(fc.constantFrom(...tags), headerText),
  'Idempotency-Key': fc.oneof(fc.constantFrom(...keys), fc.uuid(), headerText),
  Accept: fc.constantFrom('*/*', 'text/html', 'application/xml', ';q=', 'application/json;q=0', 'a/'.repeat(1_000)),
  'Accept-Encoding': fc.constantFrom('gzip', 'identity;q=0, *;q=0', 'br;q=1.0000', 'x'.repeat(2_000)),
  'Accept-Language': headerText,
  Authorization: fc.oneof(
    fc.constantFrom('Bearer', 'Bearer ', 'Basic Og==', 'Bearer \u00ff', `Bearer ${'a.'.repeat(1_000)}`),
    headerText,
  ),
  'X-Request-Id': fc.oneof(fc.constantFrom('a', 'a b', 'x'.repeat(129), '.'.repeat(4_000)), headerText),
  'X-Request-Timeout-Ms': fc.constantFrom('60000', '1e5', 'NaN', '-1', '', '99999999999999999999'),
  'X-Forwarded-For': fc.oneof(fc.constantFrom('127.0.0.1', ','.repeat(2_000)), headerText),
  'X-Forwarded-Host': headerText,
  Forwarded: headerText,
  'X-HTTP-Method-Override': fc.constantFrom('DELETE', 'PATCH'),
  Origin: fc.constantFrom('null', 'https://example.com', 'x'.repeat(2_000)),
  Cookie: headerText,
  Range: fc.constantFrom('bytes=0-0', 'bytes=-1', 'bytes=0-,1-,2-'),
  Prefer: headerText,
  Expect: fc.constantFrom('100-continue', '200-maybe'),
  'Cache-Control': fc.constantFrom('no-cache', 'only-if-cached, max-age=-1'),
  'Max-Forwards': fc.constant('0'),
  Via: headerText,
  traceparent: fc.oneof(
    fc.constantFrom(
      '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
      `00-${'0'.repeat(32)}-${'0'.repeat(16)}-ff`,
    ),
    headerText,
  ),
};

/** Headers by name, some of them those that the operation documents. */
function headersOf({ parameters }: Operation, odd: boolean): fc.Arbitrary<[string, string][]> {
  const documented = parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name);
  const seldom = fc.constantFrom(...Object.keys(known));
  const name =
    documented.length > 0 ? fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...documented) }, seldom) : seldom;
  const fitting: Record<string, string[]> = {
    'If-Match': ['*', '"1-x"'],
    'If-None-Match': ['*', '"1-x"'],
    'Idempotency-Key': ['"key"', 'k'.repeat(255)],
  };
  const value = (header: string): fc.Arbitrary<string> => {
    const values = fitting[header];
    return odd || !values ? (known[header] ?? headerText) : fc.constantFrom(...values);
  };
  const pair = name.chain((header) => value(header).map((text): [string, string] => [header, text]));
  return fc.oneof(
    { weight: 2, arbitrary: fc.constant<[string, string][]>([]) },
    { weight: 1, arbitrary: fc.array(pair, { maxLength: odd ? 3 : 1 }) },
  );
}

const otherMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'];

const resourceIn = (template: string): ResourceName =>
  resourceNames.find((name) => template.startsWith(`/api/${name}`)) ?? 'products';

/** Requests to one operation: `odd` ones have anything anywhere, the others are as it asks for them. */
function requestsTo(operation: Operation, { schemas }: ApiDocument, odd: boolean): fc.Arbitrary<HostileRequest> {
  const resource = resourceIn(operation.template);
  const segments = operation.template.split('/').map((part) => {
    const name = /^{(.*)}$/.exec(part)?.[1];
    const parameter = operation.parameters.find((one) => one.in === 'path' && one.name === name);
    return parameter ? segmentOf(parameter.schema, resource, odd) : fc.constant(part);
  });
  const own = operation.body;
  const body = own
    ? jsonOf(own, '', { schemas, resource, odd })
    : odd
      ? fc.oneof(
          { weight: 5, arbitrary: fc.constant(undefined) },
          { weight: 1, arbitrary: fc.constantFrom('{}', '{"a":', 'x'.repeat(9_000)) },
        )
      : fc.constant(undefined);
  const packing = odd
    ? fc.oneof({ weight: 3, arbitrary: fc.constant(plain) }, { weight: 1, arbitrary: fc.constantFrom(...packings) })
    : fc.constant(plain);
  const method = odd
    ? fc.oneof(
        { weight: 24, arbitrary: fc.constant(operation.method) },
        { weight: 1, arbitrary: fc.constantFrom(...otherMethods) },
      )
    : fc.constant(operation.method);
  return fc
    .record({
      method,
      path: fc.tuple(...segments),
      query: queryOf(operation, resource, odd),
      headers: headersOf(operation, odd),
      text: body,
      packing,
    })
    .map(({ method, path, query, headers, text, packing }) => ({
      method,
      target: path.join('/') + query,
      headers,
      body: text === undefined ? undefined : { text, packing },
    }));
}

/** Requests to every operation of the document, half of them as it asks for them. */
export const anyRequest = (document: ApiDocument): fc.Arbitrary<HostileRequest> =>
  fc.oneof(
    ...document.operations.flatMap((operation) => {
      // Health says little, and asks every service each time.
      const weight = operation.template.startsWith('/health') ? 1 : 8;
      return [false, true].map((odd) => ({ weight, arbitrary: requestsTo(operation, document, odd) }));
    }),
  );

const shown = (text: string): string =>
  text.length > 1_500 ? `${text.slice(0, 700)}… ${text.length} characters …${text.slice(-300)}` : text;

/** A request as one would type it, with the ids that it was sent with. */
export function curlOf(gateway: string, { method, target, headers, body }: HostileRequest): string {
  const lines = [`curl -sS -g --path-as-is -X ${method} '${gateway}${shown(target)}'`];
  const type = body ? (body.packing.headers ?? [json]) : [];
  for (const [name, value] of [...type, ...headers]) lines.push(`  -H '${name}: ${shown(value)}'`);
  if (body) lines.push(`  --data-binary '${shown(body.text)}'  (${body.packing.name})`);
  return lines.join(' \\\n');
}

/** The headers and bytes of a request's body. */
export const packed = ({ body }: HostileRequest): { headers: [string, string][]; bytes: Buffer | undefined } => ({
  headers: body ? (body.packing.headers ?? [json]) : [],
  bytes: body?.packing.pack(body.text),
});
