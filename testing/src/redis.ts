import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { findProgram, hasPackages, installPackage } from '@shop/tools/system-package.ts';

/** A Redis server of a test's own, which keeps nothing. */
export interface TestRedis {
  kill(): Promise<void>;
  /** It stays connected, and answers nothing more. */
  freeze(): void;
  thaw(): void;
}

/**
 * The server program. Debian has it in two packages, as one file under two names: of these, redis-tools is the one that does not
 * start a daemon when it is installed.
 */
async function ensureRedis(): Promise<string> {
  const find = () => findProgram(['redis-server', 'valkey-server', 'redis-check-rdb']);
  const found = await find();
  if (found) return found;
  if (hasPackages()) await installPackage('redis-tools', () => {});
  const installed = await find();
  if (!installed) throw new Error('No Redis server was found on this machine: install redis-server or redis-tools.');
  return installed;
}

const listens = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

export async function startRedis(port: number): Promise<TestRedis> {
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn(await ensureRedis(), words, { argv0: 'redis-server', stdio: 'ignore' });
  const exited = once(child, 'exit');
  while (!(await listens(port))) {
    if (child.exitCode !== null) throw new Error(`the Redis server ended with exit code ${child.exitCode}`);
    await delay(20);
  }
  return {
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
