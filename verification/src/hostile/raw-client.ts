import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';

/** Connects to a server and sends it some bytes, one for each character. Whoever called has to end the connection. */
export function sending(url: string, bytes: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {});
  socket.write(bytes, 'latin1');
  return socket;
}

/** An answer on a connection. */
export interface AnswerHead {
  status: number;
  requestId: string;
}

/** All that a server answers to these bytes until it closes the connection. */
export const answersTo = (url: string, bytes: string): Promise<string> => text(sending(url, bytes)).catch(() => '');

/** The heads of answers that stand one behind the other. */
export const headsIn = (answers: string): AnswerHead[] =>
  answers
    .split(/(?=HTTP\/1\.1 \d{3} )/)
    .filter((answer) => answer !== '')
    .map((answer) => ({
      status: Number(answer.slice(9, 12)),
      requestId: /^x-request-id: (.*)\r$/im.exec(answer)?.[1] ?? '',
    }));

/** A good request, after which the server closes the connection. */
export const lastRequest = 'GET /health/live HTTP/1.1\r\nHost: x\r\nX-Request-Id: last\r\nConnection: close\r\n\r\n';
