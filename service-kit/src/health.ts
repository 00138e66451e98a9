import { Router } from 'express';

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

/**
 * `/health/live` (the process runs: always 200), `/health/ready` and `/health` (200 or 503, with the checks).
 * No answer may be cached.
 */
export function healthRouter(health: Health): Router {
  const router = Router();
  router.get('/health/live', (_req, res) => {
    res.set('Cache-Control', 'no-store').json({ status: 'up', service: health.service });
  });
  router.get(['/health', '/health/ready'], async (_req, res) => {
    const report = await health.report();
    res
      .status(report.status === 'up' ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json(report);
  });
  return router;
}
