import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * What the proxy does with its connections:
 * - `pass`: nothing;
 * - `latency`: everything arrives `ms` milliseconds late, each way;
 * - `black hole`: connections are accepted and nothing passes any more, their ends neither; goes on where it was afterwards;
 * - `refuse`: nobody listens; the connections that there are go on;
 * - `slow`: `bytes` at a time pass, with `ms` milliseconds after them.
 */
export type FaultMode =
  | { kind: 'pass' }
  | { kind: 'latency'; ms: number }
  | { kind: 'black hole' }
  | { kind: 'refuse' }
  | { kind: 'slow'; bytes: number; ms: number };

/** A TCP proxy for tests, between a client and what the client needs. */
export interface FaultProxy {
  host: string;
  port: number;
  /** From now on it does this, to the connections that there are as well. */
  become(mode: FaultMode): Promise<void>;
  /** Breaks off all connections (RST). */
  reset(): void;
  /**
   * Breaks off (RST) the next connection on which the client sends `text`: before the target has it, or after the target has
   * answered, without its answer. Settles when that has happened.
   */
  breakAt(text: string, moment: 'before' | 'answered'): Promise<void>;
  /** Lets nothing pass any more (a black hole) from the moment at which a client sends `text`. Settles when it has sent it. */
  stopAt(text: string): Promise<void>;
  /** How many connections clients have opened. */
  readonly opened: number;
  close(): Promise<void>;
}

/** One way of a connection: what has come and not yet gone on. */
interface Way {
  from: Socket;
  to: Socket;
  waiting: { chunk: Buffer | 'end'; due: number }[];
  isPumped: boolean;
}

interface Breaking {
  text: string;
  moment: 'before' | 'answered' | 'never';
  done: () => void;
}

/**
 * Breaks off a connection (RST), or one way of it that is ending already as it is: Node (24) refuses to reset such a socket, and
 * then waits for it for ever when the process ends.
 */
function abort(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Starts a proxy to `target` on a free port of the loopback interface, which passes everything at first. */
export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  let mode: FaultMode = { kind: 'pass' };
  let changed = Promise.withResolvers<void>();
  let breaking: Breaking | undefined;
  let opened = 0;
  const pairs = new Set<[client: Socket, server: Socket]>();

  /** Passes on what waits, in its order. */
  const pump = async (way: Way) => {
    if (way.isPumped) return;
    way.isPumped = true;
    for (;;) {
      const [next] = way.waiting;
      if (!next || way.to.destroyed) break;
      if (mode.kind === 'black hole') {
        await changed.promise;
        continue;
      }
      const early = next.due - performance.now();
      if (early > 0) {
        await delay(early);
        continue;
      }
      if (next.chunk === 'end') {
        way.waiting.shift();
        way.to.end();
      } else if (mode.kind === 'slow' && next.chunk.length > mode.bytes) {
        way.to.write(next.chunk.subarray(0, mode.bytes));
        next.chunk = next.chunk.subarray(mode.bytes);
        await delay(mode.ms);
      } else {
        way.waiting.shift();
        way.to.write(next.chunk);
      }
    }
    way.isPumped = false;
  };

  const accept = (client: Socket) => {
    opened += 1;
    const server = dial(target.port, target.host);
    const pair: [Socket, Socket] = [client, server];
    pairs.add(pair);
    const breakOff = () => {
      pairs.delete(pair);
      for (const socket of pair) abort(socket);
    };
    let atAnswer: (() => void) | undefined;
    const there: Way = { from: client, to: server, waiting: [], isPumped: false };
    const back: Way = { from: server, to: client, waiting: [], isPumped: false };
    for (const way of [there, back]) {
      way.from.setNoDelay(true);
      const push = (chunk: Buffer | 'end') => {
        way.waiting.push({ chunk, due: performance.now() + (mode.kind === 'latency' ? mode.ms : 0) });
        void pump(way);
      };
      way.from.on('data', (chunk: Buffer) => {
        if (way === there && breaking && chunk.includes(breaking.text)) {
          const { moment, done } = breaking;
          breaking = undefined;
          const finish = () => {
            breakOff();
            done();
          };
          if (moment === 'before') return finish();
          if (moment === 'never') {
            mode = { kind: 'black hole' };
            done();
          } else atAnswer = finish;
        }
        if (way === back && atAnswer) return atAnswer();
        push(chunk);
      });
      way.from.on('end', () => push('end'));
      // A connection that is broken off on one side is so on the other; while nothing passes, later.
      way.from.on('error', () => (mode.kind === 'black hole' ? push('end') : breakOff()));
      way.from.on('close', () => {
        if (client.destroyed && server.destroyed) pairs.delete(pair);
      });
    }
  };

  let server: Server | undefined;
  const open = (port: number) =>
    new Promise<Server>((resolve, reject) => {
      const listening = createServer({ allowHalfOpen: true }, accept);
      listening.once('error', reject);
      listening.listen(port, '127.0.0.1', () => resolve(listening));
    });
  server = await open(0);
  const { port } = server.address() as { port: number };

  const reset = () => {
    for (const pair of pairs) for (const socket of pair) abort(socket);
    pairs.clear();
  };
  return {
    host: '127.0.0.1',
    port,
    get opened() {
      return opened;
    },
    become: async (next) => {
      mode = next;
      changed.resolve();
      changed = Promise.withResolvers<void>();
      if (next.kind === 'refuse') {
        server?.close();
        server = undefined;
      } else server ??= await open(port);
    },
    reset,
    breakAt: (text, moment) =>
      new Promise((done) => {
        breaking = { text, moment, done };
      }),
    stopAt: (text) =>
      new Promise((done) => {
        breaking = { text, moment: 'never', done };
      }),
    close: async () => {
      mode = { kind: 'pass' };
      changed.resolve();
      reset();
      server?.close();
    },
  };
}
