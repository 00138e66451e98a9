import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { memoryEvicted } from '@shop/service-kit/metrics.ts';
import { networkOf } from './client-of.ts';
import { SharedMemory } from './shared-memory.ts';

/** Connections of clients at a time: some 150 MiB. */
const mostConnections = 10_000;

/**
 * Bounds the connections of a server. When there are too many, the address that has most of them loses the one that has had no request for
 * longest, so that others can still connect.
 */
export function boundConnections(server: Server, maximum = mostConnections): void {
  const places = new SharedMemory({ maximum, onEvict: () => memoryEvicted('connection') });
  const holders = new WeakMap<Socket, { client: string; evict(): void }>();
  server.on('connection', (socket) => {
    const holder = { client: networkOf(socket.remoteAddress), evict: () => socket.destroy() };
    holders.set(socket, holder);
    places.hold(holder, 1);
    socket.once('close', () => places.release(holder));
  });
  server.on('request', ({ socket }: IncomingMessage) => {
    const holder = holders.get(socket);
    if (holder && !socket.destroyed) places.hold(holder, 1);
  });
}
