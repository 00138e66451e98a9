import type { HealthReport } from '@shop/service-kit/health.ts';
import { Router } from 'express';
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

/** `GET /health` of the gateway: the whole system, service by service; 503 as soon as one of them is down. */
export function systemHealthRouter(upstreams: GatewayConfig['upstreams']): Router {
  return Router().get('/health', async (_req, res) => {
    const services = Object.fromEntries(
      await Promise.all(Object.entries(upstreams).map(async ([name, { url }]) => [name, await reportOf(url)] as const)),
    );
    const up = Object.values(services).every(({ status }) => status === 'up');
    res
      .status(up ? 200 : 503)
      .set('Cache-Control', 'no-store')
      .json({
        status: up ? 'up' : 'down',
        service: 'gateway',
        uptime_seconds: Math.round(process.uptime()),
        services,
      });
  });
}
