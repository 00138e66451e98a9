import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIPv6 } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import gracefulShutdown from 'http-graceful-shutdown';
import { guardConnections } from './connection.ts';
import type { Health } from './health.ts';
import { type Logger, loggerOfProcess } from './logger.ts';

export interface RunningServer {
  server: Server;
  /** Where it listens, such as `http://127.0.0.1:3002`. */
  url: string;
  /** Closes it at once, connections included. */
  close(): Promise<void>;
}

/** How long a client may take, in milliseconds. */
export interface Patience {
  /** For the head of a request, and for the whole of it. */
  headersTimeout: number;
  requestTimeout: number;
  /** Between two looks at who has taken longer. */
  connectionsCheckingInterval: number;
  /** For its next request. Idle connections outlive those of the gateway's agent, so that it never sends on one that is being closed. */
  keepAliveTimeout: number;
  /** To take some of an answer, or to begin its first request. */
  idleTimeout: number;
}

const usualPatience: Patience = {
  headersTimeout: 20_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 65_000,
  idleTimeout: 60_000,
};

/** What a client is told of how long its connection is kept, where an answer is not told by Node itself. */
export const keepAliveHeader = `timeout=${usualPatience.keepAliveTimeout / 1_000}`;

/** Bytes that the URL and the headers of a client's request may have. */
export const headerLimit = 2 ** 14;

/** The same of a service behind the gateway, which adds its own: the host once more at the most, and less than 1 KiB beside it. */
const serviceHeaderLimit = 2 * headerLimit + 2 ** 10;

export interface ListenOptions {
  host: string;
  /** 0 takes any free one. */
  port: number;
  /** Milliseconds that `app` gives a request whose head has come: its connection gives it no less. */
  requestTimeout?: number;
  /** Bytes that the URL and the headers may have; absent: what the gateway sends on. */
  maxHeaderSize?: number;
  /** Of every answer, also to what comes to no request, which `app` never sees. */
  headers?: Record<string, string>;
  /** Is told of what comes to no request. Absent: the process's, where it has one. */
  logger?: Logger;
}

/** Where others on this machine reach what listens on an address, such as `http://127.0.0.1:3002`. */
export function urlOf({ host, port }: { host: string; port: number }): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${isIPv6(reached) ? `[${reached}]` : reached}:${port}`;
}

/** Listens. */
export async function listen(
  app: RequestListener,
  {
    host,
    port,
    requestTimeout = 0,
    maxHeaderSize = serviceHeaderLimit,
    headers = {},
    logger = loggerOfProcess(),
  }: ListenOptions,
  { idleTimeout, ...timeouts }: Patience = usualPatience,
): Promise<RunningServer> {
  const server = createServer({
    ...timeouts,
    maxHeaderSize,
    requestTimeout: Math.max(timeouts.requestTimeout, timeouts.headersTimeout + requestTimeout),
    // Of a request without a Host, Node would take what is behind it for good.
    requireHostHeader: false,
  });
  // Node would leave out those beyond 2,000 without a word; their size is bounded anyway.
  server.maxHeadersCount = 0;
  guardConnections(server, app, { patience: idleTimeout, logger, headers });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    server,
    url: urlOf({ host, port: bound }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** From now on each connection ends with the answer to its next request. */
export function closeWithNextAnswer(server: Server): void {
  server.prependListener('request', (_req, res: ServerResponse) => res.setHeader('Connection', 'close'));
}

/** Milliseconds from the signal to stop to the end, whatever is still going on then. */
const stopWithin = 9_800;

/**
 * Lets `SIGTERM` and `SIGINT` end the process in order: not ready at once; for `delay` milliseconds it takes requests as before,
 * while those who send them find out; then it takes none, requests in flight are finished, idle connections are closed, `cleanUp`
 * runs, exit 0. After nine and a half seconds what is left is cut off.
 * (`server.close()` alone would wait for idle keep-alive connections.)
 */
export function endOnSignal(
  { server }: RunningServer,
  { health, logger, delay, cleanUp }: { health: Health; logger: Logger; delay: number; cleanUp?: () => Promise<void> },
): void {
  gracefulShutdown(server, {
    timeout: 9_500 - delay,
    preShutdown: async () => {
      health.stop();
      logger.info('stopping');
      // Not even `cleanUp` is waited for any longer.
      setTimeout(() => process.exit(0), stopWithin).unref();
      closeWithNextAnswer(server);
      await wait(delay);
    },
    onShutdown: async () => cleanUp?.(),
    finally: () => logger.info('stopped'),
  });
}

/**
 * Runs a service's start and ends the process with one line when it fails: a bad setting, a taken port. Anything that nobody caught later ends it too, with its stack, so that the runner restarts it.
 */
export async function runMain(name: string, main: () => Promise<void>): Promise<void> {
  const fail = (error: unknown) => {
    const { code, syscall, message, name: kind } = error as NodeJS.ErrnoException;
    const cannotListen = syscall === 'listen';
    const expected = cannotListen || code === 'EACCES' || kind === 'ConfigError';
    const hint = code === 'EADDRINUSE' ? ' (is it running already?)' : '';
    const line = cannotListen ? `${name} cannot start: ${message}${hint}` : message;
    process.stderr.write(`${expected ? line : `${name}: ${(error as Error).stack ?? String(error)}`}\n`);
    process.exit(1);
  };
  process.once('uncaughtException', fail);
  process.once('unhandledRejection', fail);
  await main().catch(fail);
}
