import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, echo, startGateway } from '../testing.ts';

afterEach(closeAll);

const mebibyte = 2 ** 20;

/** A service that counts the requests that it has had. */
function counting(): { service: RequestListener; heard: () => number } {
  let heard = 0;
  const service: RequestListener = (req, res) => {
    heard++;
    echo(req, res);
  };
  return { service, heard: () => heard };
}

/** Begins a request with a body that the test sends piece by piece. */
function begin(url: string, { method = 'POST', headers = {} }: { method?: string; headers?: object } = {}) {
  const upload = httpRequest(url, { method, headers: { ...headers } });
  const answer = once(upload, 'response').then(async ([response]: IncomingMessage[]) => ({
    status: response?.statusCode,
    headers: response?.headers,
    body: JSON.parse(await text(response as IncomingMessage)),
  }));
  // Of a request that is given up nobody waits for the answer.
  answer.catch(() => {});
  return { upload, answer };
}

test('When a client sends its body slowly, then the service hears of the request only when it is whole', async () => {
  const { service, heard } = counting();
  const gateway = await startGateway({ catalog: service });
  const { upload, answer } = begin(`${gateway.url}/api/products`);
  upload.write('first');
  await delay(100);
  const heardSoFar = heard();
  upload.end('second');

  expect((await answer).body.body).toBe('firstsecond');
  expect(heardSoFar).toBe(0);
});

test('When a body comes in chunks of no announced length, then the service gets it with its length', async () => {
  const gateway = await startGateway();
  const { upload, answer } = begin(`${gateway.url}/api/products`);
  upload.write('{"a":');
  upload.end('1}');

  const { headers, body } = (await answer).body;

  expect(body).toBe('{"a":1}');
  expect(headers['content-length']).toBe('7');
  expect(headers).not.toHaveProperty('transfer-encoding');
});

test.each(['GET', 'DELETE', 'PUT'])('When a %s has a small body, then it arrives', async (method) => {
  const gateway = await startGateway();
  const { upload, answer } = begin(`${gateway.url}/api/products/1`, { method, headers: { 'Content-Length': 2 } });
  upload.end('{}');

  expect((await answer).body).toMatchObject({ method, body: '{}' });
});

test.each(['POST', 'DELETE', 'PATCH'])('When a %s has no body, then it arrives without one', async (method) => {
  const gateway = await startGateway();

  const { body } = await request(`${gateway.url}/api/products/1`, { method });

  expect(body).toMatchObject({ method, body: '' });
  expect(body.headers['content-length'] ?? '0').toBe('0');
});

test('When the answer to a HEAD is passed on, then it has the headers and no body', async () => {
  const gateway = await startGateway();

  const { status, headers, text: body } = await request(`${gateway.url}/api/products`, { method: 'HEAD' });

  expect([status, headers.get('content-type'), body]).toEqual([200, 'application/json', '']);
});

test('When several requests with bodies share a connection, then each has its own', async () => {
  const gateway = await startGateway();
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const one = (body: string) =>
    `POST /api/products HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  let answers = '';
  socket.on('data', (chunk) => {
    answers += chunk;
  });
  socket.write(one('first') + one('second'));
  while (answers.split('"body"').length < 3) await once(socket, 'data');
  socket.destroy();

  expect(answers.match(/"body":"\w*"/g)).toEqual(['"body":"first"', '"body":"second"']);
});

test.each([
  ['/api/products', 1 * mebibyte],
  ['/api/products/batch', 8 * mebibyte],
])('When the body for %s has %i bytes, then it arrives; with one more it is 413', async (path, limit) => {
  const { service, heard } = counting();
  const gateway = await startGateway({ catalog: service });

  const fits = await request(gateway.url + path, { method: 'POST', body: 'x'.repeat(limit) });
  const tooLong = await request(gateway.url + path, { method: 'POST', body: 'x'.repeat(limit + 1) });

  expect(fits.body.body).toHaveLength(limit);
  expect([tooLong.status, tooLong.body.code]).toEqual([413, 'body_too_large']);
  expect(heard()).toBe(1);
});

test.each(['/api/products?x=/batch', '/api/products?/batch', '/api/products?x=/batch?'])(
  'When only the query of %s names a batch, then the limit is that of others',
  async (path) => {
    const gateway = await startGateway();

    const { status } = await request(gateway.url + path, { method: 'POST', body: 'x'.repeat(mebibyte + 1) });

    expect(status).toBe(413);
  },
);

test('When the announced length is too much, then it is 413 before any of it is sent', async () => {
  const gateway = await startGateway();
  const { upload, answer } = begin(`${gateway.url}/api/products`, { headers: { 'Content-Length': 2 * mebibyte } });
  upload.flushHeaders();

  const { status } = await answer;
  upload.destroy();

  expect(status).toBe(413);
});

test('When chunks become too much, then it is 413 while the client still sends', async () => {
  const gateway = await startGateway();
  const { upload, answer } = begin(`${gateway.url}/api/products`);
  upload.write('x'.repeat(mebibyte + 1));

  const { status } = await answer;
  upload.destroy();

  expect(status).toBe(413);
});

describe('the memory that all share', () => {
  /** A client behind the proxy that the gateway trusts. */
  const from = (client: number) => ({ 'X-Forwarded-For': `10.0.0.${client}` });
  const settings = { trustProxy: true, maxBodyBytes: 20 * mebibyte, requestTimeout: 60_000 };
  const large = 'x'.repeat(8 * mebibyte - 1);

  /** Has clients send bodies of 8 MiB but for the last byte, one after the other. */
  async function stuck(url: string, ...clients: number[]) {
    const uploads = [];
    for (const client of clients) {
      const one = begin(url, { headers: { ...from(client), 'Content-Length': 8 * mebibyte } });
      one.upload.on('error', () => {});
      await new Promise<void>((resolve) => one.upload.write(large, () => resolve()));
      await delay(100);
      uploads.push(one);
    }
    return uploads;
  }

  test('When a client fills it with bodies that do not end, then others write, and its longest idle body is 503', async () => {
    const gateway = await startGateway(settings);
    const url = `${gateway.url}/api/products/batch`;
    const uploads = await stuck(url, 1, 1, 1);

    const { status } = await request(url, { method: 'POST', body: large, headers: from(2) });
    const first = await uploads[0]?.answer;

    expect(status).toBe(200);
    expect([first?.status, first?.body.code, first?.headers?.['retry-after'], first?.headers?.connection]).toEqual([
      503,
      'unavailable',
      '1',
      'close',
    ]);
  });

  test('When others have filled it, then a client that holds less is read, and those who hold most give way', async () => {
    const gateway = await startGateway(settings);
    const url = `${gateway.url}/api/products/batch`;
    await stuck(url, 1, 2);

    const { status } = await request(url, { method: 'POST', body: 'x'.repeat(6 * mebibyte), headers: from(3) });

    expect(status).toBe(200);
  });

  test('When the bodies of a client are at the service, then they do not take what others need', async () => {
    const held: (() => void)[] = [];
    const gateway = await startGateway({
      ...settings,
      catalog: (req, res) => {
        if (req.headers['x-hold']) held.push(() => res.end('{}'));
        else echo(req, res);
      },
    });
    const url = `${gateway.url}/api/products/batch`;
    const hold = (body: string) => request(url, { method: 'POST', body, headers: { ...from(1), 'X-Hold': '1' } });
    const first = hold(large);
    while (held.length < 1) await delay(5);

    const second = await hold(large);
    const other = await request(url, { method: 'POST', body: large, headers: from(2) });
    held[0]?.();

    expect([second.status, second.headers.get('retry-after')]).toEqual([503, '1']);
    expect(other.status).toBe(200);
    expect((await first).status).toBe(200);
  });

  test('When requests are answered, then what they held is free again', async () => {
    const gateway = await startGateway(settings);
    const url = `${gateway.url}/api/products/batch`;
    const statuses = [];
    for (let round = 0; round < 4; round++) {
      statuses.push((await request(url, { method: 'POST', body: large, headers: from(1) })).status);
    }

    expect(statuses).toEqual([200, 200, 200, 200]);
  });
});

test('When a body comes in chunks of one byte, then it arrives', async () => {
  const gateway = await startGateway();
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  const letters = Array.from({ length: 8_000 }, (_, index) => String.fromCharCode(97 + (index % 26)));
  let answer = '';
  socket.on('data', (piece) => {
    answer += piece;
  });
  socket.write('POST /api/products HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n');
  socket.write(`${letters.map((letter) => `1\r\n${letter}\r\n`).join('')}0\r\n\r\n`);
  await once(socket, 'close');

  expect(answer).toContain(`"body":"${letters.join('')}"`);
});

test('When a body comes in very many chunks of one byte, then it is 413, and the rest is not read', async () => {
  const gateway = await startGateway();
  const socket = connect(Number(new URL(gateway.url).port), '127.0.0.1');
  socket.on('error', () => {});
  const answered = once(socket, 'data');
  const head = 'POST /api/products/batch HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n';
  const chunks = Buffer.from('1\r\nx\r\n'.repeat(1_000_000));
  socket.write(head);
  socket.write(chunks);

  const [answer] = await answered;
  const isUnread = socket.writableLength > 0;
  socket.destroy();

  expect(String(answer)).toMatch(/^HTTP\/1\.1 413 [\s\S]*chunks/);
  expect(isUnread).toBe(true);
});

test('When a body makes too little progress, then it is 408, however much of it has come', async () => {
  const gateway = await startGateway({ requestTimeout: 60_000 });
  const { upload, answer } = begin(`${gateway.url}/api/products/batch`, { headers: { 'Content-Length': 200_000 } });
  upload.on('error', () => {});
  upload.write('x'.repeat(100_000));
  const dripping = setInterval(() => upload.write('x'), 200);

  const { status, headers, body } = await answer;
  clearInterval(dripping);

  expect([status, body.code, headers?.connection]).toEqual([408, 'request_timeout', 'close']);
});

test('When clients go away in the middle of their bodies, then what was held for them is free again', async () => {
  const gateway = await startGateway({ maxBodyBytes: mebibyte });
  const url = `${gateway.url}/api/products`;
  for (let round = 0; round < 3; round++) {
    const { upload } = begin(url);
    upload.on('error', () => {});
    upload.write('x'.repeat(mebibyte - 100));
    await delay(100);
    upload.destroy();
  }

  const write = async () => (await request(url, { method: 'POST', body: 'x'.repeat(mebibyte) })).status;
  let status = await write();
  for (; status === 503; status = await write()) await delay(50);

  expect(status).toBe(200);
});

test('When a body does not come to its end in time, then it is 408, and the connection is closed', async () => {
  const { service, heard } = counting();
  const gateway = await startGateway({ catalog: service, requestTimeout: 200 });
  const { upload, answer } = begin(`${gateway.url}/api/products`);
  upload.on('error', () => {});
  upload.write('{');

  const { status, headers, body } = await answer;

  expect([status, body.code, headers?.connection]).toEqual([408, 'request_timeout', 'close']);
  expect(heard()).toBe(0);
});

test('When a body does not come in the time that its client has given it, then the answer names that time', async () => {
  const gateway = await startGateway();
  const { upload, answer } = begin(`${gateway.url}/api/products`, { headers: { 'X-Request-Timeout-Ms': '300' } });
  upload.on('error', () => {});
  upload.write('{');

  expect((await answer).body.detail).toBe('The request was not received within 300 ms.');
});
