import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { answersTo, headsIn, lastRequest } from '@shop/verification/hostile/raw-client.ts';
import { baseUrl } from '../client.ts';

/** The gateway, and a service where it can be reached. */
const servers: [string, string][] = [
  ['the gateway', baseUrl()],
  ...(process.env.E2E_SERVICE_URL ? [['a service', process.env.E2E_SERVICE_URL] as [string, string]] : []),
];

/** A request that makes a tag, were it ever taken for one. */
const inner = (name: string): string => {
  const body = JSON.stringify({ tag_name: name });
  return `POST /api/tags HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
};

/** The head of a request, and what is behind it. */
const outer = (start: string, headers: string[], rest: string): string =>
  `${[start, 'Host: x', ...headers].join('\r\n')}\r\n\r\n${rest}`;

const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;

const batch = 'POST /api/tags/batch HTTP/1.1';
const json = 'Content-Type: application/json';
const te = 'Transfer-Encoding: chunked';

type Attack = [what: string, bytes: (hidden: string) => string];

/** Requests that one reader may take for one, and another for two. */
const ambiguous: Attack[] = [
  ['a length and chunks', (hidden) => outer(batch, [json, 'Content-Length: 5', te], `0\r\n\r\n${hidden}`)],
  [
    'chunks and a length',
    (hidden) => outer(batch, [json, te, `Content-Length: ${hidden.length + 5}`], `0\r\n\r\n${hidden}`),
  ],
  [
    'two lengths',
    (hidden) => outer(batch, [json, 'Content-Length: 2', `Content-Length: ${hidden.length + 2}`], `{}${hidden}`),
  ],
  [
    'two lengths in one header',
    (hidden) => outer(batch, [json, `Content-Length: 2, ${hidden.length + 2}`], `{}${hidden}`),
  ],
  ...['+2', '2 2', '0x2', '2;', '-0', '', '2.0', '2e0', '\u00b2', '2\u0000', '99999999999999999999999'].map(
    (length): Attack => [
      `the length "${length}"`,
      (hidden) => outer(batch, [json, `Content-Length: ${length}`], `{}${hidden}`),
    ],
  ),
  ...[
    'xchunked',
    'chunked, identity',
    'identity',
    'chunked\u000b',
    '"chunked"',
    'chunked;q=1',
    'chunked, chunked',
    ' ',
    ',chunked,',
    'gzip, chunked',
  ].map(
    (coding): Attack => [
      `the coding "${coding}" and a length`,
      (hidden) =>
        outer(
          batch,
          [json, `Transfer-Encoding: ${coding}`, `Content-Length: ${hidden.length + 5}`],
          `0\r\n\r\n${hidden}`,
        ),
    ],
  ),
  ['an unknown coding alone', (hidden) => outer(batch, [json, 'Transfer-Encoding: xchunked'], `0\r\n\r\n${hidden}`)],
  [
    'a coding that is not the last',
    (hidden) => outer(batch, [json, 'Transfer-Encoding: chunked, gzip'], `0\r\n\r\n${hidden}`),
  ],
  ...[
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    ' Transfer-Encoding: chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding:\r\n\tchunked',
    'X: a\rTransfer-Encoding: chunked',
    'X: a\nTransfer-Encoding: chunked',
    'X: a\u0000\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding\u0000: chunked',
    'Transfer_Encoding: chunked',
    '\u00a0Transfer-Encoding: chunked',
  ].map(
    (header): Attack => [
      `${JSON.stringify(header)} and a length`,
      (hidden) => outer(batch, [json, `Content-Length: ${hidden.length + 5}`, header], `0\r\n\r\n${hidden}`),
    ],
  ),
  ...[
    '+0',
    '-0',
    '0x0',
    ' 0',
    '0 0',
    '',
    '10000000000000000',
    'fffffffffffffffff',
    '0\n',
    '0;\n',
    '0\r',
    '0;a\u0000',
    ';',
  ].map(
    (size): Attack => [
      `the chunk size ${JSON.stringify(size)}`,
      (hidden) => outer(batch, [json, te], `2\r\n{}\r\n${size}\r\n\r\n${hidden}`),
    ],
  ),
  ['chunks that end in LF', (hidden) => outer(batch, [json, te], `2\n{}\n0\n\n${hidden}`)],
  ['a chunk that is longer than its size', (hidden) => outer(batch, [json, te], `2\r\n{}x\r\n0\r\n\r\n${hidden}`)],
  [
    'chunks in HTTP/1.0 and a length',
    (hidden) =>
      outer('POST /api/tags/batch HTTP/1.0', [json, te, `Content-Length: ${hidden.length + 5}`], `0\r\n\r\n${hidden}`),
  ],
  [
    'lines that end in LF',
    (hidden) => `${batch}\nHost: x\n${json}\nContent-Length: ${hidden.length + 2}\n${te}\n\n{}${hidden}`,
  ],
  ...['GET', 'HEAD', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH', 'PUT'].flatMap((method): Attack[] => [
    [
      `${method} with a body of a length`,
      (hidden) => outer(`${method} /api/tags/4000000 HTTP/1.1`, [`Content-Length: ${hidden.length}`], hidden),
    ],
    [
      `${method} with a body in chunks`,
      (hidden) => outer(`${method} /api/tags/4000000 HTTP/1.1`, [te], chunked(hidden)),
    ],
  ]),
  [
    'a length that Connection names',
    (hidden) => outer(batch, [json, 'Connection: Content-Length', `Content-Length: ${hidden.length}`], hidden),
  ],
  [
    'chunks that Connection names',
    (hidden) => outer(batch, [json, 'Connection: Transfer-Encoding', te], chunked(hidden)),
  ],
  [
    'an upgrade to another protocol',
    (hidden) =>
      outer(
        'GET /api/tags/4000000 HTTP/1.1',
        ['Connection: close, Upgrade', 'Upgrade: websocket', `Content-Length: ${hidden.length}`],
        hidden,
      ),
  ],
  [
    'an upgrade to HTTP/2',
    (hidden) =>
      outer(
        'GET /api/tags/4000000 HTTP/1.1',
        [
          'Connection: close, Upgrade, HTTP2-Settings',
          'Upgrade: h2c',
          'HTTP2-Settings: AAMAAABkAAQAAP__',
          `Content-Length: ${hidden.length}`,
        ],
        hidden,
      ),
  ],
  [
    'a method that hides another',
    (hidden) => outer('POST /api/tags/4000000 HTTP/1.1', ['X-HTTP-Method-Override: DELETE', te], chunked(hidden)),
  ],
  [
    'two hosts',
    (hidden) => outer('GET /api/tags/4000000 HTTP/1.1', ['Host: y', `Content-Length: ${hidden.length}`], hidden),
  ],
];

/** What no reader may take for a request, with a good one behind it. */
const malformed: Attack[] = [
  ['no host', (hidden) => `GET /api/tags/4000000 HTTP/1.1\r\n\r\n${hidden}`],
  ['HTTP/0.9', (hidden) => `GET /api/tags/4000000\r\n\r\n${hidden}`],
  ['HTTP/2.0', (hidden) => outer('GET /api/tags/4000000 HTTP/2.0', [], hidden)],
  ["HTTP/2's preface", (hidden) => `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${hidden}`],
  ['an unknown method', (hidden) => outer('BREW /api/tags/4000000 HTTP/1.1', [], hidden)],
  ['a space in the path', (hidden) => outer('GET /api/tags/4000000 x HTTP/1.1', [], hidden)],
  ['a TLS hello', (hidden) => `\u0016\u0003\u0001\u0002\u0000\u0001\u0000${hidden}`],
  ['CONNECT', (hidden) => outer('CONNECT x:80 HTTP/1.1', [], hidden)],
];

/** Whether there is a tag of this name, which was not there before. */
const isThere = async (name: string): Promise<boolean> =>
  (await request(`${baseUrl()}/api/tags?tag_name=${name}`)).body.length > 0;

describe.each(servers)('%s', (_, url) => {
  test.each(ambiguous)('When %s could be read as two requests, then it is one or none', async (_what, bytes) => {
    const name = `smuggled-${randomUUID()}`;

    const answers = headsIn(await answersTo(url, bytes(inner(name)) + lastRequest));

    // When the connection is kept behind the request, then the last one is answered, too.
    expect(answers.filter(({ requestId }) => requestId !== 'last')).toHaveLength(1);
    expect(await isThere(name)).toBe(false);
  });

  test.each(malformed)('When %s comes, then it is refused, and so is what is behind it', async (_what, bytes) => {
    const name = `smuggled-${randomUUID()}`;

    const answers = headsIn(await answersTo(url, bytes(inner(name)) + lastRequest));

    expect([[400], [405]]).toContainEqual(answers.map(({ status }) => status));
    expect(await isThere(name)).toBe(false);
  });

  test('When good requests come at once, then each is answered, in their order', async () => {
    const get = (path: string) => outer(`GET ${path} HTTP/1.1`, [], '');

    const answers = await answersTo(url, get('/api/tags') + get('/api/tags/4000000') + lastRequest);

    expect(headsIn(answers).map(({ status }) => status)).toEqual([200, 404, 200]);
  });

  test.each(['http://other.example', 'HTTP://OTHER.EXAMPLE:80'])(
    'When %s stands before the path, then it is the same path',
    async (origin) => {
      const answers = await answersTo(url, outer(`GET ${origin}/api/tags HTTP/1.1`, ['Connection: close'], ''));

      expect(headsIn(answers)).toMatchObject([{ status: 200 }]);
      expect(answers).not.toMatch(/other\.example/i);
    },
  );
});
