// Runs before the commands that a newcomer runs first (npm's `pre` scripts), on whatever Node is there and without any
// dependency: installs what package-lock.json asks for when it is not what is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const lock = path.join(root, 'package-lock.json');
// npm writes this file at the end of every install that succeeded.
const installed = path.join(root, 'node_modules/.package-lock.json');
const runtime = path.join(root, 'node_modules/.bin/node');

const current = existsSync(installed) && existsSync(runtime) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
if (!current) {
  console.log('Installing what package-lock.json asks for (about a minute, once) …');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    console.error('npm ci failed; the lines above say why.');
    process.exit(1);
  }
}
