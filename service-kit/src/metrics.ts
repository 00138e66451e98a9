import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from '@prometheus-io/client';
import * as z from 'zod';
import { defineRoute, type Route } from './route.ts';

/** A pool of database connections, counted at one moment. */
export interface PoolState {
  inUse: number;
  idle: number;
  /** Those who wait for a connection. */
  waiting: number;
  max: number;
  statements: {
    /** Prepared statements that are open at the server, and how many may be. */
    prepared: number;
    preparedMax: number;
    /** Statements so far that were sent as text, and those among them that the server had refused to prepare. */
    unprepared: number;
    refused: number;
  };
}

/** Everything that a process counts. */
interface Metrics {
  registry: Registry;
  requests: Histogram<'method' | 'route' | 'status'>;
  upstreamFailures: Counter<'upstream' | 'reason'>;
  upstreamRetries: Counter<'upstream'>;
  upstreamQuarantined: Counter<'upstream'>;
  memoryEvictions: Counter<'holds'>;
}

/** Absent: nothing is counted. */
let metrics: Metrics | undefined;
let inFlight = 0;

/** Upper bounds in seconds: from a product by id on an idle machine to the time at which the gateway gives up. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The `status` of requests whose connection ended before their answer had been sent: the number that nginx gives them. */
export const brokenOff = 499;

/**
 * Begins to count for the whole process: requests, and what the process itself uses (CPU, memory, garbage collection, the
 * lag of its event loop). Call it once, in a program, before the app is made; where it is not called, counting does nothing.
 */
export function startMetrics(): void {
  const registry = new Registry();
  const registers = [registry];
  // A wakeup each: a hundred and ten in a second, the library's own choice, would cost an idle process more than all the rest.
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20, eventLoopUtilizationTimeout: 1_000 });
  new Gauge({
    name: 'http_requests_in_flight',
    help: 'Requests that have not been answered yet.',
    registers,
    collect() {
      this.set(inFlight);
    },
  });
  metrics = {
    registry,
    requests: new Histogram({
      name: 'http_request_duration_seconds',
      help: `Time from a request's arrival to the end of its answer; status ${brokenOff}: the connection was broken off.`,
      labelNames: ['method', 'route', 'status'],
      buckets,
      registers,
    }),
    upstreamFailures: new Counter({
      name: 'upstream_failures_total',
      help: 'Requests that a service could not be asked (unavailable) or has not answered in time (upstream_timeout).',
      labelNames: ['upstream', 'reason'],
      registers,
    }),
    upstreamRetries: new Counter({
      name: 'upstream_retries_total',
      help: 'Requests that were sent to a service once more, after a connection that was not made, or broke.',
      labelNames: ['upstream'],
      registers,
    }),
    upstreamQuarantined: new Counter({
      name: 'upstream_quarantined_total',
      help: 'Requests that were refused because others of their kind were at two replicas when these were lost.',
      labelNames: ['upstream'],
      registers,
    }),
    memoryEvictions: new Counter({
      name: 'gateway_memory_evictions_total',
      help: 'Request bodies, responses and connections that were given up because others needed their memory.',
      labelNames: ['holds'],
      registers,
    }),
  };
}

/** How many requests have not been answered yet. */
export const requestsInFlight = (): number => inFlight;

/** Counts a request that has come. */
export function requestBegan(): void {
  inFlight += 1;
}

/**
 * Counts a request that is over.
 * @param route a template of which there are few, never a path as it was sent
 */
export function requestEnded(method: string, route: string, status: number, seconds: number): void {
  inFlight -= 1;
  metrics?.requests.observe({ method: methods.has(method) ? method : 'other', route, status }, seconds);
}

/** Shows a service to which requests are passed on, also while none of them has failed. */
export function showUpstream(upstream: string): void {
  for (const reason of ['unavailable', 'upstream_timeout']) metrics?.upstreamFailures.inc({ upstream, reason }, 0);
  metrics?.upstreamRetries.inc({ upstream }, 0);
  metrics?.upstreamQuarantined.inc({ upstream }, 0);
}

/** What a request holds in the gateway's memory. */
export type Held = 'request body' | 'response' | 'connection';

/** Counts a request that is ended because others need its memory. */
export function memoryEvicted(holds: Held, count = 1): void {
  metrics?.memoryEvictions.inc({ holds }, count);
}

/** Counts a request that is sent once more. */
export function upstreamRetried(upstream: string): void {
  metrics?.upstreamRetries.inc({ upstream });
}

/** Counts a request that is refused because its kind has broken replicas. */
export function upstreamQuarantined(upstream: string): void {
  metrics?.upstreamQuarantined.inc({ upstream });
}

/** Counts a request that could not be passed on. */
export function upstreamFailed(upstream: string, reason: string): void {
  metrics?.upstreamFailures.inc({ upstream, reason });
}

/** Shows a pool of connections; it is asked for its state at each scrape. */
export function showPool(stateOf: () => PoolState): void {
  if (!metrics) return;
  const registers = [metrics.registry];
  new Gauge({
    name: 'db_pool_connections',
    help: 'Connections to the database, by what they do.',
    labelNames: ['state'],
    registers,
    collect() {
      const { inUse, idle } = stateOf();
      this.set({ state: 'in_use' }, inUse);
      this.set({ state: 'idle' }, idle);
    },
  });
  new Gauge({
    name: 'db_pool_waiting',
    help: 'Those who wait for a connection to the database.',
    registers,
    collect() {
      this.set(stateOf().waiting);
    },
  });
  new Gauge({
    name: 'db_pool_max',
    help: 'Connections that the pool may have at the most.',
    registers,
    collect() {
      this.set(stateOf().max);
    },
  });
  new Gauge({
    name: 'db_prepared_statements',
    help: 'Prepared statements that this process has open at the database.',
    registers,
    collect() {
      this.set(stateOf().statements.prepared);
    },
  });
  new Gauge({
    name: 'db_prepared_statements_max',
    help: 'Prepared statements that this process may have open at the most.',
    registers,
    collect() {
      this.set(stateOf().statements.preparedMax);
    },
  });
  new Counter({
    name: 'db_unprepared_statements_total',
    help: 'Statements that were sent as text: rare ones (rare), and those that the database refused to prepare (refused).',
    labelNames: ['reason'],
    registers,
    collect() {
      const { unprepared, refused } = stateOf().statements;
      this.reset();
      this.inc({ reason: 'rare' }, unprepared - refused);
      this.inc({ reason: 'refused' }, refused);
    },
  });
}

/** `GET /metrics`: all of it in Prometheus's text format. No route where nothing is counted. */
export function metricsRoutes(): Route[] {
  if (!metrics) return [];
  const { registry } = metrics;
  return [
    defineRoute({
      method: 'get',
      path: '/metrics',
      operationId: 'getMetrics',
      tag: 'operations',
      summary: 'What this process has counted, for Prometheus',
      replies: {
        200: {
          description: "Prometheus's text format.",
          mediaType: 'text/plain',
          schema: z.string().meta({ example: 'http_requests_in_flight 1' }),
        },
      },
      problems: [],
      handler: async () => ({
        status: 200,
        text: await registry.metrics(),
        headers: { 'Content-Type': registry.contentType, 'Cache-Control': 'no-store' },
      }),
    }),
  ];
}
