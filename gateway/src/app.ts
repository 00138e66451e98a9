import type { RequestListener } from 'node:http';
import { createApp } from '@shop/service-kit/app.ts';
import { batchBodyLimit } from '@shop/service-kit/body-limit.ts';
import { type Health, probeRoutes } from '@shop/service-kit/health.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { memoryEvicted, metricsRoutes, showUpstream } from '@shop/service-kit/metrics.ts';
import { openApiDocument } from '@shop/service-kit/openapi.ts';
import { routerOf } from '@shop/service-kit/router.ts';
import type { GatewayConfig } from './config.ts';
import { createListener } from './forwarding/listener.ts';
import { type PassOn, proxyTo } from './forwarding/proxy.ts';
import { operationsPaths, routes } from './forwarding/routes.ts';
import type { Guard } from './guards/guard.ts';
import { SharedMemory } from './guards/shared-memory.ts';
import { systemHealthRoute } from './health.ts';
import { createDocumentSource } from './openapi.ts';
import { pageRouter } from './pages.ts';
import type { Pools, UpstreamPool } from './upstreams/upstream-pool.ts';

/** The memory that requests share. A large batch always fits into it. */
const memoryOf = ({ maxBodyBytes: maximum }: GatewayConfig) => ({
  bodies: new SharedMemory({ maximum, guaranteed: batchBodyLimit, onEvict: () => memoryEvicted('request body') }),
  answers: new SharedMemory({ maximum, onEvict: () => memoryEvicted('response') }),
});

/**
 * What the gateway answers: the routing table straight on plain node:http, and an Express app for its own pages, for how the
 * system is, and for all that has no route. It never listens.
 */
export async function createGateway(
  config: GatewayConfig,
  { pools, logger, health, guard }: { pools: Pools; logger: Logger; health: Health; guard?: Guard | undefined },
): Promise<RequestListener> {
  const memory = memoryOf(config);
  for (const holds of ['request body', 'response', 'connection'] as const) memoryEvicted(holds, 0);
  const proxies = new Map<string, PassOn>();
  for (const [name, pool] of Object.entries(pools)) {
    showUpstream(name);
    proxies.set(name, proxyTo(pool, memory, config));
  }
  const operations = [systemHealthRoute(pools), ...probeRoutes(health), ...metricsRoutes()];
  const own = openApiDocument('gateway', operations);
  const app = createApp({
    logger,
    operations: routerOf(operations),
    routers: [await pageRouter(createDocumentSource(own, pools))],
  });
  const proxyRoutes = routes.map(({ prefix, upstream }) => ({
    prefix,
    upstream,
    proxy: proxies.get(upstream) as PassOn,
  }));
  return createListener(app, proxyRoutes, logger, guard);
}

/** Passes on what a service tells operators (its health and metrics), for a service that is not published itself. */
export function createOperations(pool: UpstreamPool, config: GatewayConfig, logger: Logger): RequestListener {
  const proxy = proxyTo(pool, memoryOf(config), config);
  const app = createApp({ logger, routers: [] });
  return createListener(
    app,
    operationsPaths.map((prefix) => ({ prefix, upstream: pool.name, proxy })),
    logger,
  );
}
