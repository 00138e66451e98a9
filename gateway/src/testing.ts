import type { RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Health } from '@shop/service-kit/health.ts';
import { listen, type RunningServer } from '@shop/service-kit/server.ts';
import { memoryLogger } from '@shop/testing/http.ts';
import { createGateway, createOperations } from './app.ts';
import type { GatewayConfig } from './config.ts';
import { towardsClients } from './forwarding/listener.ts';
import { createGuard } from './guards/guard.ts';
import type { BreakerTimes } from './upstreams/circuit-breaker.ts';
import { type Pools, startPools } from './upstreams/upstream-pool.ts';

const open: { close(): unknown }[] = [];

/** How often each service that runs was asked whether it is ready. */
const probes = new Map<RunningServer, number>();

/** Closes all that was started here; after each test. */
export async function closeAll(): Promise<void> {
  probes.clear();
  await Promise.all(open.splice(0).map((one) => one.close()));
}

/** Waits until a gateway knows of all services that were started here how they are: it asks again when it has judged an answer. */
export async function untilKnown(): Promise<void> {
  while ([...probes.values()].some((count) => count < 2)) await delay(20);
}

/** Leaves this process no time for anything else, for so many milliseconds. */
export function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** A service that answers with what reached it. */
export const echo: RequestListener = (req, res) => {
  const chunks: Buffer[] = [];
  req.on('data', (chunk) => chunks.push(chunk));
  req.on('end', () => {
    res.setHeader('Content-Type', 'application/json');
    res.end(
      JSON.stringify({
        method: req.method,
        url: req.url,
        headers: req.headers,
        body: Buffer.concat(chunks).toString(),
      }),
    );
  });
};

/** A service that answers with its name. */
export const naming =
  (name: string): RequestListener =>
  (_req, res) => {
    res.setHeader('Content-Type', 'application/json');
    res.end(JSON.stringify({ name }));
  };

/** The same service, which also says that it is ready. */
const ready =
  (handler: RequestListener): RequestListener =>
  (req, res) => {
    if (req.url === '/health/ready') res.end('{}');
    else handler(req, res);
  };

/** Starts a service; of its own health it says that it is ready, unless `isReady` leaves that to `handler`. */
export async function startUpstream(
  handler: RequestListener,
  { port = 0, isReady = true }: { port?: number; isReady?: boolean } = {},
): Promise<RunningServer> {
  const answering = isReady ? ready(handler) : handler;
  const upstream = await listen(
    (req, res) => {
      if (req.url === '/health/ready') probes.set(upstream, (probes.get(upstream) ?? 0) + 1);
      answering(req, res);
    },
    { host: '127.0.0.1', port },
  );
  probes.set(upstream, 0);
  open.push(upstream);
  return upstream;
}

/** An address where nothing listens. */
export const nowhere = async (): Promise<string> => {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
};

/** A service to start, or where it is; with commas, where its replicas are. */
type TestUpstream = RequestListener | string;

export interface TestGateway {
  url: string;
  lines: Record<string, unknown>[];
  pools: Pools;
  /** Starts what the gateway passes on of a service that is not published itself. */
  startOperations(name: keyof Pools): Promise<RunningServer>;
}

/** Starts a gateway in front of two services. */
export async function startGateway({
  catalog = echo,
  tagging = echo,
  breaker = {},
  ...settings
}: Partial<GatewayConfig> & {
  catalog?: TestUpstream;
  tagging?: TestUpstream;
  breaker?: Partial<BreakerTimes>;
} = {}): Promise<TestGateway> {
  const upstream = async (given: TestUpstream) => {
    const urls = typeof given === 'string' ? given : (await startUpstream(given)).url;
    return { urls: urls.split(',').map((url) => new URL(url)), operationsPort: undefined };
  };
  const config: GatewayConfig = {
    logLevel: 'debug',
    reachedAt: '127.0.0.1',
    host: '127.0.0.1',
    port: 0,
    requestTimeout: 10_000,
    shutdownDelay: 0,
    places: { maxInFlight: 1_000, maxWaiting: 0 },
    maxBodyBytes: 64 * 2 ** 20,
    trustProxy: false,
    telemetry: { metrics: false },
    guard: { keysFile: undefined, publicRead: false, rateLimit: undefined, redisUrl: undefined },
    upstreams: { 'catalog-service': await upstream(catalog), 'tagging-service': await upstream(tagging) },
    ...settings,
  };
  const { logger, lines } = memoryLogger(config.logLevel);
  const guarding = await createGuard(config, logger);
  open.push(guarding);
  const pools = await startPools(config.upstreams, { logger, places: config.places, breaker });
  open.push(...Object.values(pools));
  const start = async (app: RequestListener) => {
    const server = await listen(app, { host: '127.0.0.1', port: 0, ...towardsClients });
    open.push(server);
    return server;
  };
  const health = new Health('gateway');
  const { url } = await start(await createGateway(config, { pools, logger, health, guard: guarding.guard }));
  return {
    url,
    lines,
    pools,
    startOperations: (name) => start(createOperations(pools[name], config, logger)),
  };
}
