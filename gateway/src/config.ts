import path from 'node:path';
import {
  baseSettings,
  booleanSetting,
  ConfigError,
  type Environment,
  integerSetting,
  portSetting,
  readSettings,
  requestTimeoutSetting,
  urlsSetting,
} from '@shop/service-kit/config.ts';
import { isLoopback, reachWarning } from '@shop/service-kit/reach.ts';
import { type TelemetryConfig, telemetryConfig } from '@shop/service-kit/telemetry.ts';
import * as z from 'zod';
import type { GuardConfig } from './guards/guard.ts';
import { rateLimitSetting } from './guards/rate-limit.ts';
import { redisUrlSetting } from './guards/redis-counter.ts';
import type { Places } from './upstreams/admission.ts';

export interface GatewayConfig {
  logLevel: string;
  /** The address at which clients reach it: where it listens, or where its container is published. */
  reachedAt: string;
  host: string;
  port: number;
  upstreams: Record<UpstreamName, Upstream>;
  /** Milliseconds that a request may take. */
  requestTimeout: number;
  telemetry: TelemetryConfig;
  /** Milliseconds for which requests are still taken after the signal to stop. */
  shutdownDelay: number;
  /** How many requests may be at a service at a time, and how many may wait for that. */
  places: Places;
  /** How many bytes of bodies may be held at a time, and how many of answers that clients do not take. */
  maxBodyBytes: number;
  /** Whether the gateway is behind a proxy whose `X-Forwarded-*` headers can be believed. */
  trustProxy: boolean;
  guard: GuardConfig;
}

export type UpstreamName = 'catalog-service' | 'tagging-service';

export interface Upstream {
  /** Where its replicas are: each address of each host is one. */
  urls: URL[];
  /** The gateway passes the service's own health endpoints on at this port, where one is set. */
  operationsPort: number | undefined;
}

const root = path.join(import.meta.dirname, '../..');

/** The path of the key file, from the root of the checkout, as an absolute one. */
export const keysFileSetting = z
  .string()
  .transform((file) => path.resolve(root, file))
  .describe('the file that the keys stand in, such as keys/gateway');

/** The passwords of `docker compose` that have a known default, and which of them were set: `of: DB_PASSWORD …`. */
const passwords = ['DB_PASSWORD', 'CATALOG_DB_PASSWORD', 'TAGGING_DB_PASSWORD'];

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
      CATALOG_SERVICE_URL: urlsSetting.optional(),
      TAGGING_SERVICE_URL: urlsSetting.optional(),
      CATALOG_OPERATIONS_PORT: portSetting(0).optional(),
      TAGGING_OPERATIONS_PORT: portSetting(0).optional(),
      REQUEST_TIMEOUT_MS: requestTimeoutSetting,
      GATEWAY_MAX_IN_FLIGHT: integerSetting(1, 100_000).default(16),
      GATEWAY_MAX_WAITING: integerSetting(0, 100_000).default(1_000),
      GATEWAY_MAX_BODY_MIB: integerSetting(8, 65_536).default(64),
      TRUST_PROXY: booleanSetting.default(false),
      API_KEYS_FILE: keysFileSetting.optional(),
      PUBLIC_READ: booleanSetting.default(false),
      RATE_LIMIT: rateLimitSetting.optional(),
      REDIS_URL: redisUrlSetting.optional(),
      ALLOW_OPEN: booleanSetting.default(false),
      PUBLISHED_ON: z.string().optional(),
      OWN_PASSWORDS: z.string().default(`of: ${passwords.join(' ')}`),
    },
    env,
  );
  const reachedAt = settings.PUBLISHED_ON ?? settings.BIND_HOST;
  if (settings.API_KEYS_FILE === undefined && !settings.ALLOW_OPEN && !isLoopback(reachedAt)) {
    throw new ConfigError(
      `gateway cannot start: refusing to listen on the public address ${reachedAt} without API keys. ` +
        'Set API_KEYS_FILE (npm run key creates keys), or ALLOW_OPEN=true',
    );
  }
  const own = settings.OWN_PASSWORDS.split(' ');
  const known = passwords.filter((name) => !own.includes(name));
  if (known.length > 0 && !isLoopback(reachedAt)) {
    throw new ConfigError(
      `gateway cannot start: refusing to listen on the public address ${reachedAt} with the default database passwords. ` +
        `Set ${known.join(', ')}`,
    );
  }
  return {
    reachedAt,
    logLevel: settings.LOG_LEVEL,
    host: settings.BIND_HOST,
    port: settings.GATEWAY_PORT,
    requestTimeout: settings.REQUEST_TIMEOUT_MS,
    telemetry: telemetryConfig('gateway', env),
    shutdownDelay: settings.SHUTDOWN_DELAY_MS,
    places: { maxInFlight: settings.GATEWAY_MAX_IN_FLIGHT, maxWaiting: settings.GATEWAY_MAX_WAITING },
    maxBodyBytes: settings.GATEWAY_MAX_BODY_MIB * 2 ** 20,
    trustProxy: settings.TRUST_PROXY,
    guard: {
      keysFile: settings.API_KEYS_FILE,
      publicRead: settings.PUBLIC_READ,
      rateLimit: settings.RATE_LIMIT,
      redisUrl: settings.REDIS_URL,
    },
    upstreams: {
      'catalog-service': {
        urls: settings.CATALOG_SERVICE_URL ?? [new URL(`http://127.0.0.1:${settings.CATALOG_SERVICE_PORT}`)],
        operationsPort: env.CATALOG_OPERATIONS_PORT ? settings.CATALOG_OPERATIONS_PORT : undefined,
      },
      'tagging-service': {
        urls: settings.TAGGING_SERVICE_URL ?? [new URL(`http://127.0.0.1:${settings.TAGGING_SERVICE_PORT}`)],
        operationsPort: env.TAGGING_OPERATIONS_PORT ? settings.TAGGING_OPERATIONS_PORT : undefined,
      },
    },
  };
}

/** What is said at each start of a gateway that other machines reach. */
export function reachWarningOf({ reachedAt, guard: { keysFile, publicRead } }: GatewayConfig): string | undefined {
  return reachWarning(reachedAt, keysFile === undefined ? 'nothing' : publicRead ? 'write' : 'all');
}
