import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from '@shop/tools/embedded.ts';
import { databaseEnvironment, type ProvidedDatabase } from '@shop/tools/provision.ts';
import { heapBound } from '../../scripts/heap-bound.ts';
import type { Contestant } from './load.ts';

const root = path.join(import.meta.dirname, '../..');
const running: ChildProcess[] = [];

const answers = (probe: string): Promise<boolean> =>
  fetch(probe, { signal: AbortSignal.timeout(2_000) }).then(
    ({ ok }) => ok,
    () => false,
  );

/** Starts a program of this checkout, in a group of its own (Ctrl-C is for the bench), and waits until it answers at `probe`. */
async function startProgram(file: string, words: string[], env: NodeJS.ProcessEnv, probe: string): Promise<number> {
  const child = spawn(process.execPath, [heapBound, file, ...words], {
    cwd: root,
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  running.push(child);
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`${file} ended with exit code ${child.exitCode}`);
    if (await answers(probe)) return child.pid as number;
    await delay(100);
  }
  throw new Error(`${file} does not answer at ${probe}`);
}

/** Ends everything that was started here. */
export async function stopPrograms(): Promise<void> {
  await Promise.all(
    running.splice(0).map(async (child) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }),
  );
}

const at = (port: number | undefined) => `http://127.0.0.1:${port}`;

/** The settings of a program in production. */
const production = { PATH: process.env.PATH, NODE_ENV: 'production', ENV_FILE: '' };

/** Starts the stack as it is in production. */
export async function startStack(database: ProvidedDatabase): Promise<Contestant> {
  const [gateway, catalog, tagging] = await Promise.all(Array.from({ length: 3 }, freePort));
  const env: NodeJS.ProcessEnv = {
    ...production,
    GATEWAY_PORT: String(gateway),
    CATALOG_SERVICE_PORT: String(catalog),
    TAGGING_SERVICE_PORT: String(tagging),
    ...databaseEnvironment(database),
  };
  const start = (name: string, port: number | undefined) =>
    startProgram(`${name}/src/server.ts`, [], env, `${at(port)}/health/ready`);
  const service = await start('catalog-service', catalog);
  await start('tagging-service', tagging);
  return { url: at(gateway), processes: { gateway: await start('gateway', gateway), service } };
}

/** Who is compared: the stack as it is in production, and the two yardsticks, all on one database. */
export type Contestants = Record<'ours' | 'limit' | 'textbook', Contestant>;

export async function startContestants(database: ProvidedDatabase, databasePid: number): Promise<Contestants> {
  const stack = await startStack(database);
  const [limit, textbook] = await Promise.all([freePort(), freePort()]);
  const env: NodeJS.ProcessEnv = { ...production, ...databaseEnvironment(database) };
  const start = (file: string, port: number) => startProgram(file, [String(port)], env, `${at(port)}/api/products/1`);
  const limitPid = await start('bench/src/limit.ts', limit);
  const textbookPid = await start('bench/src/textbook.ts', textbook);
  return {
    ours: { url: stack.url, processes: { ...stack.processes, database: databasePid } },
    limit: { url: at(limit), processes: { service: limitPid, database: databasePid } },
    textbook: { url: at(textbook), processes: { service: textbookPid, database: databasePid } },
  };
}

/** The gateway and catalog-service with settings of their own; the database's cost is not theirs. */
export async function startPair(database: ProvidedDatabase, settings: NodeJS.ProcessEnv): Promise<Contestant> {
  const [gateway, catalog] = await Promise.all(Array.from({ length: 2 }, freePort));
  const env: NodeJS.ProcessEnv = {
    ...production,
    GATEWAY_PORT: String(gateway),
    CATALOG_SERVICE_PORT: String(catalog),
    ...databaseEnvironment(database),
    ...settings,
  };
  const servicePid = await startProgram('catalog-service/src/server.ts', [], env, `${at(catalog)}/health/ready`);
  const gatewayPid = await startProgram('gateway/src/server.ts', [], env, `${at(gateway)}/health/ready`);
  return { url: at(gateway), processes: { gateway: gatewayPid, service: servicePid } };
}

/** A collector of traces that throws them away. */
export async function startTraceSink(): Promise<string> {
  const port = await freePort();
  await startProgram('bench/src/trivial-upstream.ts', [String(port)], production, at(port));
  return at(port);
}

/** The gateway and a plain proxy, each in front of the same trivial upstream; the upstream's own cost is not theirs. */
export async function startProxies(): Promise<Record<'ours' | 'limit', Contestant>> {
  const [upstream, gateway, plain] = await Promise.all(Array.from({ length: 3 }, freePort));
  const env: NodeJS.ProcessEnv = {
    ...production,
    GATEWAY_PORT: String(gateway),
    CATALOG_SERVICE_URL: at(upstream),
    TAGGING_SERVICE_URL: at(upstream),
  };
  await startProgram('bench/src/trivial-upstream.ts', [String(upstream)], env, at(upstream));
  const gatewayPid = await startProgram('gateway/src/server.ts', [], env, `${at(gateway)}/health/ready`);
  const plainPid = await startProgram('bench/src/plain-proxy.ts', [String(plain), String(upstream)], env, at(plain));
  return {
    ours: { url: at(gateway), processes: { gateway: gatewayPid } },
    limit: { url: at(plain), processes: { proxy: plainPid } },
  };
}
