import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { connect, type Database, select } from '@shop/db/connection/connection.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { serverConnections } from '@shop/testing/database.ts';
import { type FaultProxy, startFaultProxy } from '@shop/testing/fault-proxy.ts';
import { startRedis } from '@shop/testing/redis.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { brokenRules } from '@shop/testing/stack-data.ts';
import { type EmbeddedDatabase, freePort, startEmbedded } from '@shop/tools/embedded.ts';
import { databaseEnvironment } from '@shop/tools/provision.ts';
import type { Program } from './row.ts';
import { peakMemoryOf, programsOf } from './stack-programs.ts';
import type { System } from './system.ts';
import { timesDoneSql } from './times-done.ts';

/** `npm start` on a database server that can be killed, with proxies that can fail between its parts. */
export interface ProcessSystem extends System {
  stack: Stack;
  proxies: {
    /** Between the services and the database. */
    database: FaultProxy;
    /** Between the gateway and catalog-service. */
    catalog: FaultProxy;
    /** Between clients and the gateway, for those who are to vanish. */
    gateway: FaultProxy;
  };
  pidOf(program: Program): Promise<number>;
  /** Works on the database as its owner, past the proxy. */
  withDatabase<T>(work: (db: Database) => Promise<T>): Promise<T>;
  killDatabase(): Promise<void>;
  /** Starts the database again on the data that it had; returns when it answers. */
  startDatabase(): Promise<void>;
  killRedis(): Promise<void>;
  startRedis(): Promise<void>;
  /** Lets Redis answer nothing more, and lets it go on. */
  freezeRedis(): void;
  thawRedis(): void;
  /** Ends everything. */
  stop(): Promise<void>;
}

/** An owner whose password outlives the server, unlike that of `startEmbedded`. */
async function createOwner(database: EmbeddedDatabase): Promise<{ user: string; password: string }> {
  const owner = { user: 'resilience', password: randomBytes(9).toString('hex') };
  const db = connect({ ...database.owner, database: '', poolMax: 1 });
  await db.sequelize.query(`CREATE USER '${owner.user}'@'%' IDENTIFIED BY '${owner.password}'`);
  await db.sequelize.query(`GRANT ALL ON *.* TO '${owner.user}'@'%' WITH GRANT OPTION`);
  await db.sequelize.close();
  return owner;
}

/** Starts a database, the proxies and the stack. */
export async function startProcessSystem(requestTimeout: number): Promise<ProcessSystem> {
  const folder = await temporaryFolder();
  const databaseFolder = path.join(folder, 'database');
  let database = await startEmbedded({ folder: databaseFolder, database: 'shop' });
  const account = { ...(await createOwner(database)), database: 'shop', poolMax: 5 };
  const direct = (): DatabaseSettings => ({ ...account, host: '127.0.0.1', port: database.owner.port });

  const redisPort = await freePort();
  let redis = await startRedis(redisPort);

  const ports = { gateway: await freePort(), catalog: await freePort(), tagging: await freePort() };
  const databaseTarget = { host: '127.0.0.1', port: database.owner.port };
  const proxies = {
    database: await startFaultProxy(databaseTarget),
    catalog: await startFaultProxy({ host: '127.0.0.1', port: ports.catalog }),
    gateway: await startFaultProxy({ host: '127.0.0.1', port: ports.gateway }),
  };
  const password = () => randomBytes(9).toString('hex');
  const accounts = {
    catalog: { user: 'resilience_c', password: password() },
    tagging: { user: 'resilience_t', password: password() },
  };
  const stack = await startStack(folder, {
    ...databaseEnvironment({
      owner: { ...account, host: '127.0.0.1', port: proxies.database.port },
      accounts,
    }),
    GATEWAY_PORT: String(ports.gateway),
    CATALOG_SERVICE_PORT: String(ports.catalog),
    TAGGING_SERVICE_PORT: String(ports.tagging),
    CATALOG_SERVICE_URL: `http://127.0.0.1:${proxies.catalog.port}`,
    REQUEST_TIMEOUT_MS: String(requestTimeout),
    // More than any row asks for: here it is to be counted, not to refuse.
    RATE_LIMIT: '1000000/60s',
    REDIS_URL: `redis://127.0.0.1:${redisPort}`,
    LOG_LEVEL: 'warn',
  });

  const withDatabase = async <T>(work: (db: Database) => Promise<T>): Promise<T> => {
    const db = connect({ ...direct(), poolMax: 1 });
    try {
      return await work(db);
    } finally {
      await db.sequelize.close();
    }
  };
  const pids = () => programsOf(stack);

  return {
    stack,
    proxies,
    urls: {
      gateway: stack.gateway,
      'catalog-service': `http://127.0.0.1:${ports.catalog}`,
      'tagging-service': `http://127.0.0.1:${ports.tagging}`,
    },
    requestTimeout,
    withDatabase,
    pidOf: async (program) => (await pids())[program],
    programs: async () =>
      Object.fromEntries(Object.entries(await pids()).map(([name, pid]) => [name, String(pid)])) as Record<
        Program,
        string
      >,
    peakMemory: () => peakMemoryOf(stack),
    connections: () =>
      withDatabase(async (db) => {
        const held = Map.groupBy(await serverConnections(db), ({ user }) => user);
        return Math.max(0, ...Object.values(accounts).map(({ user }) => held.get(user)?.length ?? 0));
      }),
    timesDone: (prefix) =>
      withDatabase(async (db) => {
        const rows = await select<{ name: string; times: number }>(db, timesDoneSql, [`${prefix}%`]);
        return new Map(rows.map(({ name, times }) => [name, times]));
      }),
    brokenRules: () => brokenRules(stack),
    killDatabase: async () => {
      process.kill(database.pid, 'SIGKILL');
      // Only waits for its end: there is nothing left to stop.
      await database.stop();
    },
    startDatabase: async () => {
      database = await startEmbedded({ folder: databaseFolder, database: 'shop' });
      databaseTarget.port = database.owner.port;
    },
    killRedis: () => redis.kill(),
    startRedis: async () => {
      redis = await startRedis(redisPort);
    },
    freezeRedis: () => redis.freeze(),
    thawRedis: () => redis.thaw(),
    stop: async () => {
      await stack.stop();
      await redis.kill();
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
      await database.stop();
      await removeFolder(folder);
    },
  };
}
