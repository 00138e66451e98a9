import * as z from 'zod';
import { defineRoute, type Route } from './route.ts';

/** A named question that a service must answer with yes before it takes requests; `detail` goes to the operator. */
export interface HealthCheck {
  name: string;
  run(): Promise<{ up: boolean; detail?: Record<string, unknown> }>;
}

/** What a service tells of itself under `/health`. */
export interface HealthReport {
  status: 'up' | 'down';
  service: string;
  uptime_seconds: number;
  checks: Record<string, { status: 'up' | 'down' } & Record<string, unknown>>;
}

/** Liveness and readiness of one service. */
export class Health {
  readonly service: string;
  readonly #checks: HealthCheck[];
  #stopping = false;

  constructor(service: string, checks: HealthCheck[] = []) {
    this.service = service;
    this.#checks = checks;
  }

  /** From now on the service is not ready, so that nobody sends it new requests. */
  stop(): void {
    this.#stopping = true;
  }

  /** Runs every check, all at once; one that throws is down. */
  async report(): Promise<HealthReport> {
    const results = await Promise.all(
      this.#checks.map(async (check) => {
        const { up, detail } = await check.run().catch(() => ({ up: false, detail: {} }));
        return [check.name, { status: up ? 'up' : 'down', ...detail }] as const;
      }),
    );
    const up = !this.#stopping && results.every(([, result]) => result.status === 'up');
    return {
      status: up ? 'up' : 'down',
      service: this.service,
      uptime_seconds: Math.round(process.uptime()),
      checks: Object.fromEntries(results) as HealthReport['checks'],
    };
  }
}

const status = z.enum(['up', 'down']);

/** What `/health` and `/health/ready` answer. */
export const healthReport = z
  .looseObject({
    status,
    service: z.string().meta({ example: 'catalog-service' }),
    uptime_seconds: z.int(),
    checks: z.record(z.string(), z.looseObject({ status })).optional(),
  })
  .meta({ id: 'Health', description: 'How a process is, check by check.' });

const noStore = { 'Cache-Control': 'no-store' };

/** An endpoint that answers 200 with a report that is up, and 503 with one that is not. */
export const healthRoute = (
  path: string,
  operationId: string,
  summary: string,
  schema: z.ZodType,
  report: () => Promise<{ status: string }>,
) =>
  defineRoute({
    method: 'get',
    path,
    operationId,
    tag: 'operations',
    summary,
    replies: { 200: { description: 'Up.', schema }, 503: { description: 'Down, or a part of it is.', schema } },
    problems: [],
    handler: async () => {
      const body = await report();
      return { status: body.status === 'up' ? 200 : 503, body, headers: noStore };
    },
  });

/** `/health/live` (the process runs: always 200) and `/health/ready` (200, or 503 with the checks). No answer may be cached. */
export const probeRoutes = (health: Health): Route[] => [
  healthRoute('/health/live', 'isLive', 'Whether the process runs', healthReport, async () => ({
    status: 'up',
    service: health.service,
    uptime_seconds: Math.round(process.uptime()),
  })),
  healthRoute('/health/ready', 'isReady', 'Whether it takes requests', healthReport, () => health.report()),
];

/** `/health`: the same as `/health/ready`, for people. */
export const healthRoutes = (health: Health): Route[] => [
  healthRoute('/health', 'getHealth', 'How the service is', healthReport, () => health.report()),
  ...probeRoutes(health),
];
