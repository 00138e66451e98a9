import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import path from 'node:path';
import { catalogService } from '@shop/catalog-service/app.ts';
import { gatewayConfig } from '@shop/gateway/config.ts';
import { readKeys } from '@shop/gateway/guards/key-ring.ts';
import { resourceServiceConfig } from '@shop/resources/resource-service.ts';
import { ConfigError, type Environment } from '@shop/service-kit/config.ts';
import { urlOf } from '@shop/service-kit/server.ts';
import { taggingService } from '@shop/tagging-service/app.ts';
import { databaseEnvironment, type ProvidedDatabase } from '@shop/tools/provision.ts';
import { createConcurrently, KillOnSignal, Logger, RestartProcess } from 'concurrently';
import { heapBound } from './heap-bound.ts';

const root = path.join(import.meta.dirname, '..');

/** The programs of the stack, in the order in which they are useful. */
const programs = [
  { name: 'catalog-service', file: 'catalog-service/src/server.ts' },
  { name: 'tagging-service', file: 'tagging-service/src/server.ts' },
  { name: 'gateway', file: 'gateway/src/server.ts' },
];

/** The services ask for no key: whoever is to reach them from another machine goes through the gateway. */
const behindGateway = { BIND_HOST: '127.0.0.1' };

/** Where each program listens. */
export interface StackAddresses {
  gateway: string;
  'catalog-service': string;
  'tagging-service': string;
}

/**
 * Checks every program's settings, the key file, and that each port is free, before anything is started.
 * @throws {ConfigError} in one line
 */
export async function checkSettings(env: Environment): Promise<StackAddresses> {
  const gateway = gatewayConfig(env);
  if (gateway.guard.keysFile !== undefined) await readKeys(gateway.guard.keysFile);
  // The database's settings come later, when it is known which database it is.
  const { DB_HOST, DB_USER } = env;
  const withDatabase = { ...env, DB_HOST: DB_HOST || 'unknown', DB_USER: DB_USER || 'unknown', ...behindGateway };
  const listeners = {
    gateway,
    'catalog-service': resourceServiceConfig(catalogService, withDatabase),
    'tagging-service': resourceServiceConfig(taggingService, withDatabase),
  };
  const { upstreams, host } = gateway;
  const passedOn = {
    'gateway (CATALOG_OPERATIONS_PORT)': { host, port: upstreams['catalog-service'].operationsPort ?? 0 },
    'gateway (TAGGING_OPERATIONS_PORT)': { host, port: upstreams['tagging-service'].operationsPort ?? 0 },
  };
  const owners = new Map<number, string>();
  for (const [name, { host, port }] of Object.entries({ ...listeners, ...passedOn })) {
    // 0 is any that is free.
    if (port !== 0 && owners.has(port)) {
      throw new ConfigError(`${name} cannot start: port ${port} is that of ${owners.get(port)}, too`);
    }
    owners.set(port, name);
    await tryToListen(name, host, port);
  }
  return {
    gateway: urlOf(listeners.gateway),
    'catalog-service': urlOf(listeners['catalog-service']),
    'tagging-service': urlOf(listeners['tagging-service']),
  };
}

/** @throws {ConfigError} when it is not possible */
async function tryToListen(name: string, host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await once(server.listen(port, host), 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      code === 'EADDRINUSE'
        ? `${name} cannot start: port ${port} of ${host} is in use. Is the stack running already?`
        : `${name} cannot start: it cannot listen on port ${port} of ${host} (${code ?? message})`,
    );
  }
  await once(server.close(), 'close');
}

/**
 * Runs the programs until a signal ends them; one that crashes is started again after a second. Each runs in a session
 * of its own: Ctrl-C reaches this process alone (twice: from the terminal and from npm), which then tells each of them
 * once. A second signal would make them drop what they are finishing.
 * @param watch starts a program again whenever one of its files changes
 * @returns when all of them have ended
 */
export async function runPrograms(database: ProvidedDatabase, env: Environment, { watch = false } = {}): Promise<void> {
  let stopping = false;
  const stop = () => {
    stopping = true;
  };
  process.on('SIGINT', stop).on('SIGTERM', stop).on('SIGHUP', stop);
  const told = new Set<number>();
  const logger = new Logger({ raw: true });
  const { result } = createConcurrently(
    programs.map(({ name, file }) => ({
      name,
      command: file,
      env: { ...env, ...databaseEnvironment(database), ...(name === 'gateway' ? {} : behindGateway) },
    })),
    {
      cwd: root,
      raw: true,
      logger,
      // A program that was stopped before it could listen to signals counts as crashed, but is not to come back.
      spawn: (file, options) =>
        spawn(
          process.execPath,
          stopping ? ['--eval', ''] : [heapBound, ...(watch ? ['--watch', '--watch-preserve-output'] : []), file],
          {
            ...options,
            detached: true,
          },
        ),
      kill: (pid, signal) => {
        if (told.has(pid)) return;
        told.add(pid);
        process.kill(pid, signal as NodeJS.Signals);
      },
      controllers: [
        new KillOnSignal({ process, abortController: new AbortController() }),
        new RestartProcess({ logger, delay: 1_000, tries: -1 }),
      ],
    },
  );
  await result.catch(() => {});
}
