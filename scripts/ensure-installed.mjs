// Runs before the commands that a newcomer runs first (npm's `pre` scripts), on whatever Node is there and without any
// dependency: installs what package-lock.json asks for when it is not what is installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..');
const lock = path.join(root, 'package-lock.json');
// npm writes this file at the end of every install that succeeded.
const installed = path.join(root, 'node_modules/.package-lock.json');
const runtime = path.join(root, 'node_modules/.bin/node');

/** Whether each package is installed in the version of the lock; those for other systems are not. */
function isSame() {
  const [wanted, has] = [lock, installed].map((file) => JSON.parse(readFileSync(file, 'utf8')).packages);
  const isThere = ([name, { version, link, resolved, optional }]) => {
    if (!has[name]) return optional === true || !name.startsWith('node_modules/');
    return has[name].version === version && (!link || has[name].resolved === resolved);
  };
  return Object.entries(wanted).every(isThere);
}

// A checkout writes the lock anew, whether or not it asks for anything else.
const isNewer = () => statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
const current = existsSync(installed) && existsSync(runtime) && (isNewer() || isSame());
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
