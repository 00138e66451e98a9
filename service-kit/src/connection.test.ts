import { EventEmitter, once } from 'node:events';
import { request as httpRequest, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { memoryLogger } from '@shop/testing/http.ts';
import { closeWithNextAnswer, headerLimit, listen, type RunningServer } from './server.ts';

/** Far shorter than a server's own, in milliseconds. */
const impatience = {
  headersTimeout: 200,
  requestTimeout: 400,
  connectionsCheckingInterval: 50,
  keepAliveTimeout: 200,
  idleTimeout: 300,
};

const open = new Set<Socket>();
let running: RunningServer;
/** The same with {@link impatience}, for what is about how long a client may take. */
let hasty: RunningServer;
let heard = 0;
const { logger, lines } = memoryLogger();
/** What becomes of a request to `/silent`. */
const events = new EventEmitter();
const answerer: RequestListener = async (req, res) => {
  heard += 1;
  if (req.url === '/slow') await delay(600);
  if (req.url === '/silent') {
    res.once('close', () => events.emit('ended'));
    setTimeout(() => events.emit('begun'), 100);
    return;
  }
  if (req.url === '/streamed') {
    const pieces = Array.from({ length: 400 }, () => 'x'.repeat(65_536));
    Readable.from(pieces).pipe(res.writeHead(200, { 'Content-Length': 400 * 65_536 }));
    return;
  }
  if (req.url === '/large') {
    res.end('x'.repeat(2 ** 26));
    return;
  }
  req.resume().once('end', () => res.end(`${req.method} ${req.url} ${Object.keys(req.headers).length}\n`));
};

beforeAll(async () => {
  const start = (patience?: typeof impatience) =>
    listen(answerer, { host: '127.0.0.1', port: 0, maxHeaderSize: headerLimit, logger }, patience);
  running = await start();
  hasty = await start(impatience);
});
afterAll(async () => {
  for (const socket of open) socket.destroy();
  await Promise.all([running.close(), hasty.close()]);
});

/** A connection on which some bytes have been sent. */
function sending(bytes: string, to = running): Socket {
  const { port } = to.server.address() as { port: number };
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {});
  open.add(socket);
  socket.write(bytes, 'latin1');
  return socket;
}

/** All that is answered until the server closes the connection. */
const answersTo = (bytes: string, to = running): Promise<string> => text(sending(bytes, to));

/** The status and problem of an answer that is the only one. */
function onlyProblem(answer: string): { status: number; problem: Record<string, unknown>; head: string } {
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  expect(answer.match(/^HTTP\/1\.1 \d/gm)).toHaveLength(1);
  return { status: Number(head.split(' ')[1]), problem: JSON.parse(body), head };
}

describe('what is not a request', () => {
  test.each([
    ['no HTTP at all', 'hello\r\n\r\n', 400, 'malformed_request'],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost: x\r\nodd\r\n\r\n', 400, 'malformed_request'],
    [
      'headers of more than 16 KiB',
      `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(17_000)}\r\n\r\n`,
      431,
      'headers_too_large',
    ],
    ['a URL of more than 16 KiB', `GET /${'a'.repeat(17_000)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, 'headers_too_large'],
    [
      'a chunk extension of more than 16 KiB',
      `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(17_000)}\r\nx\r\n0\r\n\r\n`,
      413,
      'body_too_large',
    ],
    ['a head that does not end', 'GET / HTTP/1.1\r\nHost: x\r\n', 408, 'request_timeout'],
    ['a body that does not end', 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc', 408, 'request_timeout'],
    ['HTTP/0.9', 'GET /\r\n\r\n', 400, 'malformed_request'],
    ['HTTP/2.0', 'GET / HTTP/2.0\r\nHost: x\r\n\r\n', 400, 'malformed_request'],
    ['no host', 'GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'malformed_request'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n', 400, 'malformed_request'],
    ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', 405, 'method_not_allowed'],
  ])('When %s comes, then a problem is answered and the connection closed', async (_, bytes, status, code) => {
    const to = code === 'request_timeout' ? hasty : running;
    const answer = onlyProblem(await answersTo(bytes, to));

    expect(answer.status).toBe(status);
    expect(answer.problem).toMatchObject({ type: `/problems/${code}`, code, status });
    expect(answer.head).toMatch(/^content-type: application\/problem\+json/im);
    expect(answer.head).toMatch(/^connection: close$/im);
    expect(answer.head).toContain(`X-Request-Id: ${answer.problem.instance}`);
  });

  test.each([
    ['no HTTP at all', 'secret\r\n\r\n', 'malformed_request'],
    ['no host', 'GET /secret HTTP/1.1\r\n\r\n', 'malformed_request'],
    ['CONNECT', 'CONNECT secret:1 HTTP/1.1\r\nHost: x\r\n\r\n', 'method_not_allowed'],
  ])(
    'When %s comes, then a line of the log has the id of the answer, and nothing of what came',
    async (_, bytes, code) => {
      const { problem } = onlyProblem(await answersTo(bytes));

      const own = lines.filter(({ request_id }) => request_id === problem.instance);
      expect(own).toEqual([
        expect.objectContaining({ level: 'info', code, status: problem.status, address: '127.0.0.1' }),
      ]);
      expect(JSON.stringify(own)).not.toContain('secret');
    },
  );

  test('When it begins like a HEAD request, then the answer has no body', async () => {
    const [head, body] = (await answersTo('HEAD /\u00ff HTTP/1.1\r\nHost: x\r\n\r\n')).split('\r\n\r\n');

    expect(head).toMatch(/^HTTP\/1\.1 400 /);
    expect(body).toBe('');
  });

  test('When it comes behind a request that is being answered, then that one is answered first', async () => {
    const answer = await answersTo('GET /slow HTTP/1.1\r\nHost: x\r\n\r\nhello\r\n\r\n');

    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 400']);
  });
});

describe('CONNECT', () => {
  const asked = 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n';

  test('When it comes, then the answer says which methods there are', async () => {
    expect(onlyProblem(await answersTo(asked)).head).toMatch(/^allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS$/im);
  });

  test('When it comes behind requests that are being answered, then these are answered first', async () => {
    const slow = 'GET /slow HTTP/1.1\r\nHost: x\r\n\r\n';

    const answer = await answersTo(slow + slow + asked);

    expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 405']);
  });

  test.each([
    ['keep-alive', ['HTTP/1.1 200', 'HTTP/1.1 405']],
    ['close', ['HTTP/1.1 200']],
  ])(
    'When it comes behind a request with a large answer and Connection: %s, then that arrives whole',
    async (connection, statuses) => {
      const first = `GET /streamed HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\n\r\n`;

      const answer = await answersTo(first + asked);

      expect(answer.match(/HTTP\/1\.1 \d+/g)).toEqual(statuses);
      expect(answer.match(/x{65536}/g)).toHaveLength(400);
    },
  );

  test('When the client goes away before what was ahead of it is answered, then that request ends', async () => {
    const ended = once(events, 'ended');
    const socket = sending(`GET /silent HTTP/1.1\r\nHost: x\r\n\r\n${asked}`);
    await once(events, 'begun');
    socket.resetAndDestroy();

    await expect(ended).resolves.toBeDefined();
  });
});

test('When a request comes behind the one that was to be the last, then it is not heard', async () => {
  const before = heard;

  await answersTo('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n');

  expect(heard).toBe(before + 1);
});

test('When the server is closing connections, then what is behind a request is not heard', async () => {
  const stopping = await listen(
    async (_req, res) => {
      heard += 1;
      await delay(100);
      res.end();
    },
    { host: '127.0.0.1', port: 0 },
  );
  closeWithNextAnswer(stopping.server);
  const before = heard;
  const one = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';
  const socket = connect({ port: Number(new URL(stopping.url).port), host: '127.0.0.1' });
  socket.write(one + one);

  const answer = await text(socket);
  await stopping.close();

  expect(answer.match(/^HTTP\/1\.1 \d+|^connection: .*$/gim)).toEqual(['HTTP/1.1 200', 'Connection: close']);
  expect(heard).toBe(before + 1);
});

describe('requests that do not wait for the answer to the one before', () => {
  const one = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const begun: string[] = [];
  let read = 0;
  let atOnce = 0;
  let most = 0;
  let patient: RunningServer;
  const connected = () => connect({ port: Number(new URL(patient.url).port), host: '127.0.0.1' }).on('error', () => {});
  beforeEach(async () => {
    begun.length = read = atOnce = most = 0;
    patient = await listen(
      async (req, res) => {
        begun.push(`${req.method} ${req.url}`);
        atOnce += 1;
        most = Math.max(most, atOnce);
        res.once('close', () => {
          atOnce -= 1;
        });
        if (req.url === '/never') return;
        await delay(req.url === '/slow' ? 200 : 0);
        req.resume().once('end', () => res.end(`${req.method} ${req.url}\n`));
      },
      { host: '127.0.0.1', port: 0 },
    );
    patient.server.on('request', () => {
      read += 1;
    });
  });
  afterEach(() => patient.close());

  test('When they come, then each begins when the one before it is answered, and all are answered in their order', async () => {
    const socket = connected();
    socket.write(`${one('/slow')}POST /second HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde`);
    socket.write('GET /third HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');

    const answer = await text(socket);

    expect(answer.match(/^(GET|POST) .*/gm)).toEqual(['GET /slow', 'POST /second', 'GET /third']);
    expect(begun).toEqual(['GET /slow', 'POST /second', 'GET /third']);
    expect(most).toBe(1);
  });

  test('When they come without an end, then few of them are read, and one is begun', async () => {
    connected().write(one('/never').repeat(500_000));
    await delay(500);

    // What comes at once may be 64 KiB.
    expect(read).toBeLessThan(10_000);
    expect(begun).toHaveLength(1);
  });

  test('When the client goes away after the first, then the others do not begin', async () => {
    const socket = connected();
    socket.write(one('/slow') + one('/second'));
    while (begun.length === 0) await delay(20);
    socket.resetAndDestroy();
    while (atOnce > 0) await delay(20);
    await delay(200);

    expect(begun).toEqual(['GET /slow']);
  });
});

test.each([
  ['http://x/a?b', '/a?b'],
  ['HTTPS://x:80?b', '/?b'],
  ['http://x', '/'],
])('When a request is for %s, then it is one for %s', async (target, path) => {
  const answer = await answersTo(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);

  expect(answer).toContain(`GET ${path} `);
});

test('When a request has more headers than Node would give by itself, then none is left out', async () => {
  const headers = Array.from({ length: 2_500 }, (_, index) => `${index}:\r\n`).join('');

  expect(await answersTo(`GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`)).toContain('GET / 2502\n');
});

test('When a request has an expectation that nobody knows, then it is answered as without it', async () => {
  const answer = await answersTo('GET / HTTP/1.1\r\nHost: x\r\nExpect: 200-maybe\r\nConnection: close\r\n\r\n');

  expect(answer).toMatch(/^HTTP\/1\.1 200 /);
});

test('When requests have more time than connections usually have, then a slow body is waited for', async () => {
  const patient = await listen(
    (req, res) => void req.resume().once('end', () => res.end('whole')),
    { host: '127.0.0.1', port: 0, requestTimeout: 10_000 },
    { ...impatience, headersTimeout: 5_000, idleTimeout: 5_000 },
  );
  const upload = httpRequest(patient.url, { method: 'POST' });
  const answered = once(upload, 'response');
  upload.write('first');
  await delay(800);
  upload.end('second');

  const [answer] = await answered;
  await patient.close();

  expect(answer.statusCode).toBe(200);
});

describe('idle connections', () => {
  const isClosed = async (socket: Socket) => {
    await once(socket.resume(), 'close');
    return true;
  };

  test('When nothing is sent, then the connection is closed', async () => {
    expect(await isClosed(sending('', hasty))).toBe(true);
  });

  test('When no further request comes, then the connection is closed', async () => {
    expect(await isClosed(sending('GET / HTTP/1.1\r\nHost: x\r\n\r\n', hasty))).toBe(true);
  });

  test('When an answer is long in coming, then the connection is kept', async () => {
    const answer = await answersTo('GET /slow HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', hasty);

    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  });

  test('When nobody reads the answer, then the connection is closed', async () => {
    const connections = () =>
      new Promise<number>((resolve) => (hasty.server as Server).getConnections((_error, count) => resolve(count)));
    const socket = sending('GET /large HTTP/1.1\r\nHost: x\r\n\r\n', hasty).pause();
    await once(socket, 'connect');
    while ((await connections()) === 0) await delay(20);
    while ((await connections()) > 0) await delay(20);

    expect(await connections()).toBe(0);
  });
});
