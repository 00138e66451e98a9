import { setTimeout as delay } from 'node:timers/promises';
import { connect } from '@shop/db/connection/connection.ts';
import type { FaultMode, FaultProxy } from '@shop/testing/fault-proxy.ts';
import { deafClients, flood, goneClients, halfOpenClients, hoardingClients, slowClients } from './clients.ts';
import { heavyCatalogue } from './heavy-catalogue.ts';
import type { Fault } from './matrix.ts';
import { poisonousRequest } from './poison.ts';
import type { ProcessSystem } from './process-system.ts';
import type { Program } from './row.ts';
import type { MakeFault } from './system.ts';

type Make = MakeFault<ProcessSystem>;
type ProxyName = keyof ProcessSystem['proxies'];

/** Between two parts of the stack the network does something else for a while. */
const network =
  (name: ProxyName, mode: FaultMode): Make =>
  async ({ proxies }) => {
    const proxy: FaultProxy = proxies[name];
    await proxy.become(mode);
    // Whoever refuses connections has none.
    if (mode.kind === 'refuse') proxy.reset();
    return { end: () => proxy.become({ kind: 'pass' }) };
  };

const killProgram =
  (program: Program): Make =>
  async ({ pidOf }) => {
    process.kill(await pidOf(program), 'SIGKILL');
    return { end: async () => {} };
  };

/** How each fault of the matrix is made where the stack is processes of this machine. */
export const processFaults: Partial<Record<Fault, Make>> = {
  'database slow': network('database', { kind: 'latency', ms: 25 }),
  'database trickles': network('database', { kind: 'slow', bytes: 64, ms: 2 }),
  'database stalled': network('database', { kind: 'black hole' }),
  'database refuses': network('database', { kind: 'refuse' }),
  'service slow': network('catalog', { kind: 'latency', ms: 100 }),
  'service unreachable': network('catalog', { kind: 'black hole' }),
  'service refuses': network('catalog', { kind: 'refuse' }),
  'service killed': killProgram('catalog-service'),
  'gateway killed': killProgram('gateway'),
  'request poisonous': poisonousRequest,

  'database locked': async ({ stack }) => {
    const { DB_HOST: host, DB_NAME: database, DB_USER: user, DB_PASSWORD: password } = stack.env;
    const settings = { host, database, user, password, port: Number(stack.env.DB_PORT), poolMax: 1 };
    const db = connect(settings as Parameters<typeof connect>[0]);
    await db.sequelize.query('LOCK TABLES product WRITE');
    return {
      end: async () => {
        await db.sequelize.query('UNLOCK TABLES');
        await db.sequelize.close();
      },
    };
  },
  'database cut': async ({ proxies }) => {
    const cutting = setInterval(() => proxies.database.reset(), 500);
    return { end: async () => clearInterval(cutting) };
  },
  'database killed': async ({ killDatabase, startDatabase }) => {
    await killDatabase();
    return { end: startDatabase };
  },
  'database read-only': async ({ withDatabase }) => {
    const set = (value: number) =>
      withDatabase(async (db) => void (await db.sequelize.query(`SET GLOBAL read_only = ${value}`)));
    await set(1);
    return { end: () => set(0) };
  },
  'service stalled': async ({ pidOf }) => {
    const pid = await pidOf('catalog-service');
    process.kill(pid, 'SIGSTOP');
    return { end: async () => void process.kill(pid, 'SIGCONT') };
  },

  'redis killed': async ({ killRedis, startRedis }) => {
    await killRedis();
    return { end: startRedis };
  },
  'redis stalled': async ({ freezeRedis, thawRedis }) => {
    freezeRedis();
    return { end: async () => thawRedis() };
  },

  'client slow': slowClients,
  'client hoards': hoardingClients,
  'client gone': goneClients,
  'client deaf': deafClients,
  'client half-open': async (system) => {
    const made = await halfOpenClients(system, system.proxies.gateway.port);
    await delay(50);
    await system.proxies.gateway.become({ kind: 'black hole' });
    return {
      end: async () => {
        system.proxies.gateway.reset();
        await system.proxies.gateway.become({ kind: 'pass' });
        await made.end();
      },
    };
  },
  flood,
  'heavy catalogue': heavyCatalogue,
};
