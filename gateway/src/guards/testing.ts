import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { closeAll, echo, startGateway, startUpstream } from '../testing.ts';
import { digestOf, lineOf, type Scope } from './api-key.ts';
import type { GuardConfig } from './guard.ts';

/** A guarded gateway on a free port, in front of `upstream`. */
export async function startGuardedGateway(
  guardConfig: Partial<GuardConfig>,
  { upstream = echo, trustProxy = false }: { upstream?: RequestListener; trustProxy?: boolean } = {},
) {
  const service = await startUpstream(upstream);
  const guard = { keysFile: undefined, publicRead: false, rateLimit: undefined, redisUrl: undefined, ...guardConfig };
  const gateway = await startGateway({
    catalog: service.url,
    tagging: service.url,
    logLevel: 'trace',
    trustProxy,
    guard,
  });
  return { ...gateway, stopService: () => service.close(), stop: closeAll };
}

export const keyLine = (name: string, scope: Scope, key: string): string =>
  lineOf({ name, scope, digest: digestOf(key) });

/** A key file with these lines, in a folder of its own. */
export async function temporaryKeyFile(...lines: string[]): Promise<{ file: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'shop-keys-'));
  const file = path.join(folder, 'keys');
  await writeFile(file, lines.join('\n'));
  return { file, remove: () => rm(folder, { recursive: true, force: true }) };
}
