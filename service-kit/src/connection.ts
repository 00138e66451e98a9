import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { Problem } from './problem.ts';

/** Milliseconds that a client has to read a refusal before the connection is cut. */
const lingering = 2_000;

/** What Node refuses while it reads a request, by the code of its error. */
function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers_too_large', 'The URL and the headers are larger than 16 KiB.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body_too_large', 'The chunks of the body have extensions of more than 16 KiB.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'The request did not come to its end in time.');
    default:
      return new Problem('malformed_request', 'The request does not keep to HTTP/1.1.');
  }
}

/** Answers on a connection that has no request to answer, and closes it: what else is on it cannot be understood. */
function refuse(socket: Duplex, problem: Problem, isHead = false): void {
  const id = randomUUID();
  const text = JSON.stringify(problem.toDocument(id));
  const head = {
    'X-Request-Id': id,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    Date: new Date().toUTCString(),
    Connection: 'close',
    ...problem.headers,
  };
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${isHead ? '' : text}`,
  );
  // Closed at once, it could be reset before the client has read why.
  setTimeout(() => socket.destroy(), lingering).unref();
}

/**
 * Makes a server answer what it cannot read as a request with a problem, and give up clients that take nothing from it for
 * `patience` milliseconds: neither their next request, nor the answer to the last one.
 */
export function guardConnections(server: Server, patience: number): void {
  /** Requests that are not answered yet, the latest of each connection. */
  const underway = new WeakMap<Duplex, { req: IncomingMessage; res: ServerResponse }>();
  const refused = new WeakSet<Duplex>();
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req;
    const exchange = { req, res };
    underway.set(socket, exchange);
    res.once('close', () => {
      if (underway.get(socket) === exchange) underway.delete(socket);
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
    // What comes on a connection after it was refused is of no request.
    if (refused.has(socket)) return;
    refused.add(socket);
    const isHead = error.rawPacket?.toString('latin1', 0, 5) === 'HEAD ';
    const answer = () => (socket.writable ? refuse(socket, problemOf(error.code), isHead) : socket.destroy());
    const { req, res } = underway.get(socket) ?? {};
    if (!req || !res) answer();
    else if (req.complete) res.once('close', answer);
    else if (res.headersSent) socket.destroy();
    else answer();
  });
  server.on('connect', (_req, socket) => {
    socket.on('error', () => socket.destroy());
    refuse(socket, new Problem('method_not_allowed', 'CONNECT is not possible here.'));
  });
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1); Node would answer it without a word.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  server.setTimeout(patience, (socket) => {
    if (socket.writableLength > 0 || !underway.has(socket)) socket.destroy();
  });
}
