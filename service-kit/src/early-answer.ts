import type { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';

/** Milliseconds that a client has to read a response before its connection is cut, of which the server expects nothing more. */
export const lingering = 2_000;

/** Bytes of an unread body that are worth reading for a connection that can be used again. */
const worthReading = 2 ** 16;

/** Whether a request announces a body, of whatever length. */
export const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';

/** Whether much of a request may still be to come, so that its connection should end with the response. */
export const isLargelyUnread = (req: IncomingMessage): boolean =>
  !req.complete && hasBody(req) && !(Number(req.headers['content-length']) <= worthReading);

/**
 * Lets a client read a response that comes before the end of its request. To close at once would reset the connection of a client that
 * is still sending, and what it has not read of the response would be lost.
 * @param current the request that the connection is at
 */
export function closeInOrder(socket: Socket, current: () => IncomingMessage | undefined): void {
  // Node calls it when the last response of a connection is written.
  socket.destroySoon = () => {
    if (current()?.complete === false) socket.end();
    else Socket.prototype.destroySoon.call(socket);
  };
}

/** Bounds what a client can still send of a request when it has the response: it may go on for a moment, and nobody keeps what comes. */
export function endUnread(req: IncomingMessage, res: ServerResponse): void {
  const { socket } = req;
  res.once('finish', () => {
    if (req.complete) return;
    const timer = setTimeout(() => {
      if (!req.complete || socket.writableEnded) socket.destroy();
    }, lingering);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  });
}
