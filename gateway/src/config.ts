import {
  baseSettings,
  booleanSetting,
  type Environment,
  integerSetting,
  portSetting,
  readSettings,
  urlSetting,
} from '@shop/service-kit/config.ts';
import { type TelemetryConfig, telemetryConfig } from '@shop/service-kit/telemetry.ts';

export interface GatewayConfig {
  logLevel: string;
  host: string;
  port: number;
  upstreams: Record<UpstreamName, Upstream>;
  /** Milliseconds that a request may take. */
  requestTimeout: number;
  telemetry: TelemetryConfig;
  /** Whether the gateway is behind a proxy whose `X-Forwarded-*` headers can be believed. */
  trustProxy: boolean;
}

export type UpstreamName = 'catalog-service' | 'tagging-service';

export interface Upstream {
  url: string;
  /** The gateway passes the service's own health endpoints on at this port, where one is set. */
  operationsPort: number | undefined;
}

/**
 * The gateway's settings.
 * @throws {ConfigError} naming all that is wrong in one line
 */
export function gatewayConfig(env: Environment): GatewayConfig {
  const settings = readSettings(
    'gateway',
    {
      ...baseSettings,
      GATEWAY_PORT: portSetting(3001),
      CATALOG_SERVICE_PORT: portSetting(3002),
      TAGGING_SERVICE_PORT: portSetting(3003),
      CATALOG_SERVICE_URL: urlSetting.optional(),
      TAGGING_SERVICE_URL: urlSetting.optional(),
      CATALOG_OPERATIONS_PORT: portSetting(0).optional(),
      TAGGING_OPERATIONS_PORT: portSetting(0).optional(),
      REQUEST_TIMEOUT_MS: integerSetting(100, 600_000).default(10_000),
      TRUST_PROXY: booleanSetting.default(false),
    },
    env,
  );
  return {
    logLevel: settings.LOG_LEVEL,
    host: settings.BIND_HOST,
    port: settings.GATEWAY_PORT,
    requestTimeout: settings.REQUEST_TIMEOUT_MS,
    telemetry: telemetryConfig('gateway', env),
    trustProxy: settings.TRUST_PROXY,
    upstreams: {
      'catalog-service': {
        url: settings.CATALOG_SERVICE_URL ?? `http://127.0.0.1:${settings.CATALOG_SERVICE_PORT}`,
        operationsPort: env.CATALOG_OPERATIONS_PORT ? settings.CATALOG_OPERATIONS_PORT : undefined,
      },
      'tagging-service': {
        url: settings.TAGGING_SERVICE_URL ?? `http://127.0.0.1:${settings.TAGGING_SERVICE_PORT}`,
        operationsPort: env.TAGGING_OPERATIONS_PORT ? settings.TAGGING_OPERATIONS_PORT : undefined,
      },
    },
  };
}
