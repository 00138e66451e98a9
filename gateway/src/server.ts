import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { Health } from '@shop/service-kit/health.ts';
import { processLogger } from '@shop/service-kit/logger.ts';
import { endOnSignal, listen, runMain } from '@shop/service-kit/server.ts';
import { startTelemetry, stopTelemetry } from '@shop/service-kit/telemetry.ts';
import { createGateway, createOperations } from './app.ts';
import { gatewayConfig, reachWarningOf, type UpstreamName } from './config.ts';
import { towardsClients } from './forwarding/listener.ts';
import { boundConnections } from './guards/connections.ts';
import { createGuard } from './guards/guard.ts';
import { startPools } from './upstreams/upstream-pool.ts';

await runMain('gateway', async () => {
  const config = gatewayConfig(loadEnvironmentFile());
  await startTelemetry(config.telemetry, () => logger);
  const logger = processLogger('gateway', config.logLevel);
  const health = new Health('gateway');
  const { guard, close } = await createGuard(config, logger);
  const pools = await startPools(config.upstreams, { logger, places: config.places });
  const server = await listen(await createGateway(config, { pools, logger, health, guard }), {
    ...config,
    ...towardsClients,
  });
  boundConnections(server.server);
  const operations = await Promise.all(
    (Object.keys(config.upstreams) as UpstreamName[]).flatMap((name) => {
      const port = config.upstreams[name].operationsPort;
      return port === undefined
        ? []
        : listen(createOperations(pools[name], config, logger), {
            host: config.host,
            port,
            ...towardsClients,
          });
    }),
  );
  endOnSignal(server, {
    health,
    logger,
    delay: config.shutdownDelay,
    cleanUp: async () => {
      close();
      for (const pool of Object.values(pools)) pool.close();
      await Promise.all(operations.map((one) => one.close()));
      await stopTelemetry();
    },
  });
  logger.info({ url: server.url }, `listening on ${server.url}`);
  const warning = reachWarningOf(config);
  if (warning !== undefined) logger.warn({ host: config.reachedAt }, warning);
});
