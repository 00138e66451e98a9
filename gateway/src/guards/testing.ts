import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Health } from '@shop/service-kit/health.ts';
import { listen } from '@shop/service-kit/server.ts';
import { memoryLogger } from '@shop/service-kit/testing.ts';
import { createGateway } from '../app.ts';
import { digestOf, lineOf, type Scope } from './api-key.ts';
import { createGuard, type GuardConfig } from './guard.ts';

/** Answers with the headers that reached it. */
const echo: RequestListener = (req, res) => {
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify({ headers: req.headers }));
};

/** A guarded gateway on a free port, in front of `upstream`. */
export async function startGuardedGateway(
  guardConfig: Partial<GuardConfig>,
  { upstream = echo, trustProxy = false }: { upstream?: RequestListener; trustProxy?: boolean } = {},
) {
  const { logger, lines } = memoryLogger('trace');
  const guardSettings = {
    keysFile: undefined,
    publicRead: false,
    rateLimit: undefined,
    redisUrl: undefined,
    ...guardConfig,
  };
  const { guard, close } = await createGuard({ guard: guardSettings, trustProxy }, logger);
  const service = await listen(upstream, { host: '127.0.0.1', port: 0 });
  const config = {
    logLevel: 'trace',
    host: '127.0.0.1',
    port: 0,
    requestTimeout: 2_000,
    trustProxy,
    telemetry: { metrics: false },
    guard: guardSettings,
    upstreams: {
      'catalog-service': { url: service.url, operationsPort: undefined },
      'tagging-service': { url: service.url, operationsPort: undefined },
    },
  };
  const gateway = await listen(await createGateway(config, logger, new Health('gateway'), guard), config);
  return {
    url: gateway.url,
    lines,
    stopService: () => service.close(),
    stop: async () => {
      close();
      await Promise.all([gateway.close(), service.close()]);
    },
  };
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
