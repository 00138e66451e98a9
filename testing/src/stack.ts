import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { freePort } from '@shop/tools/embedded.ts';
import { databaseEnvironment } from '@shop/tools/provision.ts';

const root = path.join(import.meta.dirname, '../..');

/** The whole stack as `npm start` runs it, on free ports and with a data directory of its own. */
export interface Stack {
  gateway: string;
  ports: { gateway: number; catalog: number; tagging: number };
  folder: string;
  /** Every setting that it was started with. */
  env: NodeJS.ProcessEnv;
  process: ChildProcess;
  /** All that it has printed so far. */
  output(): string;
  /** Ends it as Ctrl-C does; its data stay for another start in the same folder. */
  stop(): Promise<number | null>;
}

/** Ports and paths for a stack that has nothing to do with any other, nor with this checkout's `.env`. */
export async function isolatedEnvironment(folder: string): Promise<NodeJS.ProcessEnv> {
  const [gateway, catalog, tagging] = [await freePort(), await freePort(), await freePort()];
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ENV_FILE: '',
    DATA_DIR: folder,
    GATEWAY_PORT: String(gateway),
    CATALOG_SERVICE_PORT: String(catalog),
    TAGGING_SERVICE_PORT: String(tagging),
  };
}

export const temporaryFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'shop-e2e-'));

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** A database of a stack's own on the server that `STACK_DATABASE` names (settings as JSON); without it, the embedded one. */
function databaseOnServer(): NodeJS.ProcessEnv {
  if (!process.env.STACK_DATABASE) return {};
  const server = JSON.parse(process.env.STACK_DATABASE) as DatabaseSettings;
  const database = `stack_${randomBytes(6).toString('hex')}`;
  const account = (service: string) => ({ user: `${database}_${service}`, password: randomBytes(9).toString('hex') });
  const accounts = { catalog: account('c'), tagging: account('t') };
  return databaseEnvironment({ owner: { ...server, database }, accounts });
}

/**
 * Starts the stack and waits until it says that it is ready.
 * @param options.detached in a group of its own, which the terminal's Ctrl-C does not reach
 */
export async function startStack(
  folder: string,
  settings: NodeJS.ProcessEnv = {},
  { detached = false }: { detached?: boolean } = {},
): Promise<Stack> {
  const env = { ...(await isolatedEnvironment(folder)), ...databaseOnServer(), ...settings };
  const child = spawn(process.execPath, ['scripts/start.ts'], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = once(child, 'exit');
  while (!output.includes('ready after')) {
    if (child.exitCode !== null) throw new Error(`the stack did not start:\n${output}`);
    await delay(50);
  }
  return {
    gateway: `http://127.0.0.1:${env.GATEWAY_PORT}`,
    ports: {
      gateway: Number(env.GATEWAY_PORT),
      catalog: Number(env.CATALOG_SERVICE_PORT),
      tagging: Number(env.TAGGING_SERVICE_PORT),
    },
    folder,
    env,
    process: child,
    output: () => output,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
      return child.exitCode;
    },
  };
}
