import { type HealthReport, healthReport, healthRoute } from '@shop/service-kit/health.ts';
import type { Route } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import type { Pools, UpstreamPool } from './upstreams/upstream-pool.ts';

/** Milliseconds that a service has to say how it is. */
const patience = 2_000;

/** What a service says of itself, or that it says nothing. */
async function reportOf(pool: UpstreamPool): Promise<Partial<HealthReport> & { status: 'up' | 'down' }> {
  try {
    const response = await fetch(pool.urlOf('/health'), { signal: AbortSignal.timeout(patience) });
    return (await response.json()) as HealthReport;
  } catch {
    return { status: 'down' };
  }
}

const systemHealth = z
  .object({
    status: z.enum(['up', 'down']),
    service: z.literal('gateway'),
    uptime_seconds: z.int(),
    services: z.record(z.string(), healthReport.partial().required({ status: true })),
  })
  .meta({ id: 'SystemHealth', description: 'How the system is, service by service.' });

/** `GET /health` of the gateway: the whole system, service by service; 503 as soon as one of them is down. */
export const systemHealthRoute = (pools: Pools): Route =>
  healthRoute('/health', 'getSystemHealth', 'How the system is, service by service', systemHealth, async () => {
    const services = Object.fromEntries(
      await Promise.all(Object.entries(pools).map(async ([name, pool]) => [name, await reportOf(pool)] as const)),
    );
    const up = Object.values(services).every(({ status }) => status === 'up');
    return {
      status: up ? 'up' : 'down',
      service: 'gateway',
      uptime_seconds: Math.round(process.uptime()),
      services,
    };
  });
