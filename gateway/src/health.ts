import { type HealthReport, healthReport, healthRoute } from '@shop/service-kit/health.ts';
import type { AnyRoute } from '@shop/service-kit/route.ts';
import * as z from 'zod';
import type { GatewayConfig } from './config.ts';

/** Milliseconds that a service has to say how it is. */
const patience = 2_000;

/** What a service says of itself, or that it says nothing. */
async function reportOf(url: string): Promise<Partial<HealthReport> & { status: 'up' | 'down' }> {
  try {
    const response = await fetch(new URL('/health', url), { signal: AbortSignal.timeout(patience) });
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
export const systemHealthRoute = (upstreams: GatewayConfig['upstreams']): AnyRoute =>
  healthRoute('/health', 'getSystemHealth', 'How the system is, service by service', systemHealth, async () => {
    const services = Object.fromEntries(
      await Promise.all(Object.entries(upstreams).map(async ([name, { url }]) => [name, await reportOf(url)] as const)),
    );
    const up = Object.values(services).every(({ status }) => status === 'up');
    return {
      status: up ? 'up' : 'down',
      service: 'gateway',
      uptime_seconds: Math.round(process.uptime()),
      services,
    };
  });
