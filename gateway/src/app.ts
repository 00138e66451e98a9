import type { RequestListener } from 'node:http';
import { createApp } from '@shop/service-kit/app.ts';
import { type Health, probeRoutes } from '@shop/service-kit/health.ts';
import type { Logger } from '@shop/service-kit/logger.ts';
import { metricsRoutes, showUpstream } from '@shop/service-kit/metrics.ts';
import { openApiDocument } from '@shop/service-kit/openapi.ts';
import { routerOf } from '@shop/service-kit/route.ts';
import { Router } from 'express';
import type { GatewayConfig, UpstreamName } from './config.ts';
import type { Guard } from './guards/guard.ts';
import { systemHealthRoute } from './health.ts';
import { createListener, raiseFailure } from './listener.ts';
import { createDocumentSource } from './openapi.ts';
import { pageRouter } from './pages.ts';
import { type PassOn, proxyTo } from './proxy.ts';
import { operationsPaths, routes } from './routes.ts';

/**
 * What the gateway answers: the routing table straight on plain node:http, and an Express app for its own pages, for how the
 * system is, and for all that goes wrong. It never listens.
 */
export async function createGateway(
  config: GatewayConfig,
  logger: Logger,
  health: Health,
  guard?: Guard,
): Promise<RequestListener> {
  const { upstreams } = config;
  const names = Object.keys(upstreams) as UpstreamName[];
  for (const name of names) showUpstream(name);
  const proxies = new Map(names.map((name) => [name, proxyTo(name, upstreams[name], config)]));
  const operations = [systemHealthRoute(upstreams), ...probeRoutes(health), ...metricsRoutes()];
  const own = openApiDocument('gateway', operations);
  const app = createApp({
    logger,
    operations: Router().use(raiseFailure, routerOf(operations)),
    routers: [await pageRouter(createDocumentSource(own, upstreams))],
  });
  const proxyRoutes = routes.map(({ prefix, upstream }) => ({
    prefix,
    upstream,
    proxy: proxies.get(upstream) as PassOn,
  }));
  return createListener(app, proxyRoutes, logger, guard);
}

/** Passes on what a service tells operators (its health and metrics), for a service that is not published itself. */
export function createOperations(name: UpstreamName, config: GatewayConfig, logger: Logger): RequestListener {
  const proxy = proxyTo(name, config.upstreams[name], config);
  const app = createApp({ logger, routers: [Router().use(raiseFailure)] });
  return createListener(
    app,
    operationsPaths.map((prefix) => ({ prefix, upstream: name, proxy })),
    logger,
  );
}
