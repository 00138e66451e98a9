import { randomUUID } from 'node:crypto';
import { type IncomingMessage, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { closeInOrder, endUnread, lingering } from './early-answer.ts';
import type { Logger } from './logger.ts';
import { Problem } from './problem.ts';

/** What Node refuses while it reads a request, by the code of its error. */
function problemOf(code: string | undefined): Problem {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new Problem('headers_too_large', 'The URL and the headers exceed 16 KiB.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new Problem('body_too_large', 'The chunk extensions of the body exceed 16 KiB.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new Problem('request_timeout', 'The request was not received in time.');
    default:
      return new Problem('malformed_request', 'The request is not valid HTTP/1.1.');
  }
}

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

const noConnect = new Problem('method_not_allowed', `CONNECT is not supported. Supported methods: ${methods}.`, {
  headers: { Allow: methods },
});

/** Who is told of what is refused, and what every answer has. */
interface Refusing {
  logger: Logger | undefined;
  headers: Record<string, string>;
}

/** Makes the head and body of an answer behind which the connection is closed, and a line of the log, by which its id can be found. */
function refusal(
  problem: Problem,
  { remoteAddress: address }: Socket,
  { logger, headers }: Refusing,
): { head: Record<string, string>; text: string } {
  const id = randomUUID();
  const { status, code } = problem;
  // Nothing of what came: it may be of any size, and hold any secret.
  logger?.info({ request_id: id, status, code, address }, `rejected malformed request: ${status} ${code}`);
  const text = `${JSON.stringify(problem.toDocument(id))}\n`;
  const head = {
    ...headers,
    ...problem.headers,
    'X-Request-Id': id,
    'Content-Type': 'application/problem+json; charset=utf-8',
    'Content-Length': String(Buffer.byteLength(text)),
    Date: new Date().toUTCString(),
    Connection: 'close',
  };
  return { head, text };
}

/** Answers on a connection that has no request to answer, and closes it: what else is on it cannot be understood. */
function refuse(socket: Socket, problem: Problem, refusing: Refusing, isHead = false): void {
  const { head, text } = refusal(problem, socket, refusing);
  const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\n${lines.join('')}\r\n${isHead ? '' : text}`,
  );
  // Closed at once, it could be reset before the client has read why.
  setTimeout(() => socket.destroy(), lingering).unref();
}

/** Whether a request says, once, whom it is meant for, and in a version that is spoken here (RFC 9112, sections 2.3 and 3.2). */
function isForHere({ httpVersion, rawHeaders }: IncomingMessage): boolean {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length;
  return httpVersion === '1.1' ? hosts === 1 : httpVersion === '1.0' && hosts <= 1;
}

/** The path and query of a target, which may have an origin before them (RFC 9112, section 3.2.2). */
const originForm = (target: string): string => target.replace(/^https?:\/\/[^/?#]*\/?/i, '/');

/** Whether the connection ends with an answer: its client wants that, or the server does, which is about to stop. */
const closes = (res: ServerResponse): boolean => !res.shouldKeepAlive || res.getHeader('connection') === 'close';

/**
 * Makes a server hand its requests to `app`: only those that are HTTP/1 for certain, one after the other of each connection, and
 * nothing that comes behind its last one. What it cannot read as a request it answers with a problem. Clients are given up that
 * take nothing from it for `patience` milliseconds: neither their next request, nor the answer to the last one.
 */
export function guardConnections(
  server: Server,
  app: RequestListener,
  { patience, ...refusing }: { patience: number } & Refusing,
): void {
  /** Requests that are not answered yet, the latest of each connection. */
  const underway = new WeakMap<Duplex, { req: IncomingMessage; res: ServerResponse }>();
  /** Connections that have had their last request. */
  const over = new WeakSet<Duplex>();
  server.on('connection', (socket) => closeInOrder(socket, () => underway.get(socket)?.req));
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    const { socket } = req;
    endUnread(req, res);
    const ahead = underway.get(socket)?.res;
    if (ahead && closes(ahead)) over.add(socket);
    if (over.has(socket)) return;
    const exchange = { req, res };
    underway.set(socket, exchange);
    res.once('close', () => {
      if (underway.get(socket) === exchange) underway.delete(socket);
    });
    const accepted = isForHere(req);
    if (!accepted || closes(res)) over.add(socket);
    const begin = (): void => {
      if (accepted) {
        req.url = originForm(req.url ?? '/');
        app(req, res);
        return;
      }
      const { head, text } = refusal(
        new Problem('malformed_request', 'The request must use HTTP/1.1 and have exactly one Host header.'),
        socket,
        refusing,
      );
      res.writeHead(400, head).end(text);
    };
    if (!ahead) {
      begin();
      return;
    }
    let waits = true;
    // What else the client sends stays with the system, which soon takes no more of it. (At once would be too soon: Node goes on
    // reading when it has read the whole of a request.)
    process.nextTick(() => {
      if (waits) socket.pause();
    });
    ahead.once('close', () => {
      waits = false;
      if (socket.destroyed || closes(ahead)) return;
      if (underway.get(socket) === exchange) socket.resume();
      // When all who listen to that have heard it.
      queueMicrotask(begin);
    });
  });
  server.on('clientError', (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket) => {
    const { req, res } = underway.get(socket) ?? {};
    // What comes behind the last request is of no request, unless it is the body of that one.
    if (over.has(socket) && (!req || req.complete)) return;
    over.add(socket);
    const isHead = error.rawPacket?.toString('latin1', 0, 5) === 'HEAD ';
    const answer = () =>
      socket.writable ? refuse(socket as Socket, problemOf(error.code), refusing, isHead) : socket.destroy();
    if (!req || !res) answer();
    else if (req.complete) res.once('close', answer);
    else if (res.headersSent) socket.destroy();
    else answer();
  });
  server.on('connect', (_req, socket) => {
    // Node has let go of the connection: whether the client takes more, or has gone, nobody else looks at.
    socket.on('error', () => socket.destroy()).resume();
    socket.on('drain', () => (socket as { _httpMessage?: ServerResponse })._httpMessage?.emit('drain'));
    if (over.has(socket)) return;
    over.add(socket);
    const answer = () => (socket.writable ? refuse(socket as Socket, noConnect, refusing) : socket.destroy());
    const { res } = underway.get(socket) ?? {};
    if (res) res.once('close', answer);
    else answer();
  });
  // The client is asked for its body when somebody reads it: what is refused before that is not sent.
  server.on('checkContinue', (req, res) => {
    req.once('resume', () => {
      if (!res.headersSent) res.writeContinue();
    });
    server.emit('request', req, res);
  });
  // An expectation that nobody knows may be ignored (RFC 9110, section 10.1.1); Node would answer it without a word.
  server.on('checkExpectation', (req, res) => server.emit('request', req, res));
  server.setTimeout(patience, (socket) => {
    if (socket.writableLength > 0 || !underway.has(socket)) socket.destroy();
  });
}
