import { createApp } from '@shop/service-kit/app.ts';
import { type Health, probeRoutes } from '@shop/service-kit/health.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { openApiDocument } from '@shop/service-kit/openapi.ts';
import { routerOf } from '@shop/service-kit/route.ts';
import { type Express, Router } from 'express';
import type { GatewayConfig, UpstreamName } from './config.ts';
import { systemHealthRoute } from './health.ts';
import { createDocumentSource } from './openapi.ts';
import { pageRouter } from './pages.ts';
import { proxyTo } from './proxy.ts';
import { operationsPaths, routes } from './routes.ts';

/** The gateway's Express app: the routing table, its own pages, and how the system is. It never listens. */
export async function createGatewayApp(config: GatewayConfig, logger: Logger, health: Health): Promise<Express> {
  const { upstreams } = config;
  const proxies = (Object.keys(upstreams) as UpstreamName[]).map((name) => {
    const prefixes = routes.filter((route) => route.upstream === name).map((route) => route.prefix);
    return Router().use(proxyTo(name, upstreams[name], prefixes, config));
  });
  const operations = [systemHealthRoute(upstreams), ...probeRoutes(health)];
  const own = openApiDocument('gateway', operations);
  return createApp({
    logger,
    operations: routerOf(operations),
    routers: [...proxies, await pageRouter(createDocumentSource(own, upstreams))],
  });
}

/** Passes on what a service tells operators (its health), for a service that is not published itself. */
export function createOperationsApp(name: UpstreamName, config: GatewayConfig, logger: Logger): Express {
  const proxy = proxyTo(name, config.upstreams[name], operationsPaths, config);
  return createApp({ logger, routers: [Router().use(proxy)] });
}
