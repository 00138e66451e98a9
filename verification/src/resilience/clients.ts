import { randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, WriteLog } from './ask.ts';
import type { MakeFault, System } from './system.ts';

const opened = (socket: Socket): Promise<void> => new Promise((resolve) => socket.once('connect', resolve));

/** Opens connections to a port of this machine, on which nobody is told of errors: they are meant. */
async function openSockets(count: number, port: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, '127.0.0.1').on('error', () => {}));
  await Promise.all(sockets.map(opened));
  return sockets;
}

const portOf = ({ urls }: System): number => Number(new URL(urls.gateway).port);

/** The head of a write whose body has `length` bytes. */
const headOfWrite = (length: number): string =>
  `POST /api/products HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

/** Clients that send their bodies byte by byte, for ever. */
export const slowClients: MakeFault<System> = async (system) => {
  const started = performance.now();
  const sockets = await openSockets(100, portOf(system));
  for (const socket of sockets) {
    socket.resume();
    socket.write(headOfWrite(10_000));
  }
  const dripping = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write(' ');
  }, 100);
  return {
    also: async () => {
      const allowed = system.requestTimeout + 2_000;
      while (sockets.some(({ closed }) => !closed) && performance.now() - started < allowed) await delay(50);
      const open = sockets.filter(({ closed }) => !closed).length;
      return open === 0 ? [] : [`${open} slow clients are not cut off after ${allowed} ms`];
    },
    end: async () => {
      clearInterval(dripping);
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Clients that send all but the last byte of what they may, and once more as soon as they are cut off. */
export const hoardingClients: MakeFault<System> = async (system) => {
  const body = Buffer.alloc(8 * 2 ** 20 - 1, ' ');
  const sockets = new Set<Socket>();
  let isOver = false;
  const send = async (index: number): Promise<void> => {
    const [socket] = await openSockets(1, portOf(system));
    if (!socket || isOver) {
      socket?.destroy();
      return;
    }
    sockets.add(socket);
    socket.resume();
    socket.write(
      `${index % 3 === 0 ? 'GET' : 'POST'} /api/products/batch HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length + 1}\r\n\r\n`,
    );
    socket.write(body);
    socket.once('close', () => {
      sockets.delete(socket);
      // What is refused at once should not keep this process from asking in time.
      if (!isOver) setTimeout(() => void send(index), 500);
    });
  };
  await Promise.all(Array.from({ length: 24 }, (_, index) => send(index)));
  return {
    end: async () => {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Clients that go away in the middle of a write: half of them before its body is complete. */
export const goneClients: MakeFault<System> = async (system) => {
  const prefix = `gone ${randomUUID().slice(0, 8)}`;
  const sockets = await openSockets(100, portOf(system));
  const going = sockets.map(async (socket, index) => {
    const body = JSON.stringify({ product_name: `${prefix} ${index}`, price: 1, stock: 4, tagIds: [system.tag] });
    socket.write(headOfWrite(body.length) + (index % 2 === 0 ? body : body.slice(0, 20)));
    await delay(Math.random() * 50);
    socket.resetAndDestroy();
  });
  return {
    also: async () => {
      await Promise.all(going);
      const times = await system.timesDone(`${prefix} `);
      return [...times].filter(([, count]) => count > 1).map(([name, count]) => `${name} was done ${count} times`);
    },
    end: async () => void (await Promise.all(going)),
  };
};

/** Clients that ask for long lists, again and again on one connection, and never read: far more than two systems keep of it. */
export const deafClients: MakeFault<System> = async (system) => {
  const sockets = await openSockets(20, portOf(system));
  for (const socket of sockets) {
    socket.pause();
    socket.write('GET /api/products?_limit=250 HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(200));
  }
  return {
    end: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Clients that have sent half of a request, or a whole one, when the network between them and the port fails. */
export const halfOpenClients = async (_system: System, port: number) => {
  const sockets = await openSockets(100, port);
  sockets.forEach((socket, index) => {
    if (index % 2 === 0) socket.write(headOfWrite(1_000));
    else socket.write('GET /api/products?_limit=250 HTTP/1.1\r\nHost: shop\r\n\r\n');
  });
  return {
    end: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
};

/** Very many requests at once, no two of them alike, each on a connection of its own. */
export const flood: MakeFault<System> = async (system) => {
  const { gateway } = system.urls;
  const log = new WriteLog(`flood ${randomUUID().slice(0, 8)}`);
  const asking = Array.from({ length: 400 }, (_, index) => {
    const name = log.nextName();
    const question =
      index % 10 === 0
        ? { method: 'POST', url: `${gateway}/api/products`, body: { product_name: name, price: 1, stock: 1 }, name }
        : { url: `${gateway}/api/products?_limit=5&_embed=&price_gte=${index}` };
    return ask(question, system.requestTimeout + 500, log);
  });
  return {
    also: async () => {
      const allowed = ['ok', '503 unavailable', '429 rate_limited'];
      const wrong = (await Promise.all(asking)).filter(({ outcome }) => !allowed.includes(outcome));
      const times = await system.timesDone(`${log.prefix} `);
      const lost = [...log.acknowledged].filter((name) => times.get(name) !== 1);
      return [
        ...wrong.map(({ request, outcome, milliseconds }) => `${request}: ${outcome} in ${milliseconds} ms`),
        ...lost.map((name) => `${name} was acknowledged, and is there ${times.get(name) ?? 0} times`),
      ];
    },
    end: async () => void (await Promise.all(asking)),
  };
};
