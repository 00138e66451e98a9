import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Database, disconnect } from '@shop/db/connection/connection.ts';
import { poolState } from '@shop/db/connection/pool-state.ts';
import { traceStatements } from '@shop/db/connection/statement-span.ts';
import { DatabaseAwayError } from '@shop/db/errors.ts';
import { migrate } from '@shop/db/migrate.ts';
import { restoreIndexes } from '@shop/db/schema/repair.ts';
import { type ServiceAccount, type ServiceDatabaseSettings, serviceSettings } from '@shop/db/settings.ts';
import { createApp } from '@shop/service-kit/app.ts';
import { bodyLimit } from '@shop/service-kit/body-limit.ts';
import {
  baseSettings,
  booleanSetting,
  type Environment,
  portSetting,
  readSettings,
  requestTimeoutSetting,
} from '@shop/service-kit/config.ts';
import { Health, type HealthCheck, healthRoutes } from '@shop/service-kit/health.ts';
import { type Logger, processLogger } from '@shop/service-kit/logger.ts';
import { metricsRoutes, showPool } from '@shop/service-kit/metrics.ts';
import { openApiRoute } from '@shop/service-kit/openapi.ts';
import { reachWarning } from '@shop/service-kit/reach.ts';
import type { Route } from '@shop/service-kit/route.ts';
import { routerOf } from '@shop/service-kit/router.ts';
import { endOnSignal, listen } from '@shop/service-kit/server.ts';
import { startTelemetry, stopTelemetry, type TelemetryConfig, telemetryConfig } from '@shop/service-kit/telemetry.ts';
import { type Express, Router } from 'express';
import * as z from 'zod';
import { useCursorKeys } from './list/cursor-keys.ts';
import { SchemaWatch } from './schema-watch.ts';
import { translateDatabaseError } from './translate.ts';
import { schedulePurge } from './write/idempotency.ts';
import type { ServiceContext } from './write/write.ts';

/** What a service that serves resources from the database is told of itself. */
export interface ResourceServiceDescription {
  name: string;
  account: ServiceAccount;
  port: { setting: string; fallback: number };
  routes(context: ServiceContext): Route[];
}

export interface ResourceServiceConfig {
  logLevel: string;
  host: string;
  /** The address at which others reach it: where it listens, or where its container is published. */
  reachedAt: string;
  port: number;
  /** Milliseconds for which requests are still taken after the signal to stop. */
  shutdownDelay: number;
  requirePrecondition: boolean;
  /** The keys of `CURSOR_KEY`; none: those in the database. */
  cursorKeys: string[];
  /** Milliseconds that a request may take. */
  requestTimeout: number;
  telemetry: TelemetryConfig;
  database: ServiceDatabaseSettings;
}

/** Keys for cursors with commas between them: the first signs, all verify. */
const cursorKeySetting = z
  .string()
  .transform((text) => text.split(',').map((key) => key.trim()))
  .refine((keys) => keys.every((key) => key.length >= 32))
  .default([])
  .describe('keys of 32 or more characters with commas between them, such as "openssl rand -base64 32" makes');

/**
 * A resource service's settings.
 * @throws {ConfigError} naming all that is wrong in one line
 */
export function resourceServiceConfig(service: ResourceServiceDescription, env: Environment): ResourceServiceConfig {
  const { setting, fallback } = service.port;
  const own = {
    REQUIRE_PRECONDITION: booleanSetting.default(false),
    CURSOR_KEY: cursorKeySetting,
    PUBLISHED_ON: z.string().optional(),
    REQUEST_TIMEOUT_MS: requestTimeoutSetting,
    [setting]: portSetting(fallback),
  };
  const settings = readSettings(service.name, { ...baseSettings, ...own }, env);
  return {
    logLevel: String(settings.LOG_LEVEL),
    host: String(settings.BIND_HOST),
    reachedAt: String(settings.PUBLISHED_ON ?? settings.BIND_HOST),
    port: Number(settings[setting as keyof typeof settings]),
    shutdownDelay: Number(settings.SHUTDOWN_DELAY_MS),
    requirePrecondition: Boolean(settings.REQUIRE_PRECONDITION),
    cursorKeys: settings.CURSOR_KEY,
    requestTimeout: Number(settings.REQUEST_TIMEOUT_MS),
    telemetry: telemetryConfig(service.name, env),
    database: serviceSettings(service.name, service.account, env),
  };
}

/** The service's Express app on a database; it never listens. */
export function createResourceApp(
  service: ResourceServiceDescription,
  {
    logger,
    health,
    schema,
    requestTimeout,
    ...context
  }: Omit<ServiceContext, 'account'> & { logger: Logger; health: Health; schema: SchemaWatch; requestTimeout: number },
): Express {
  const routes = service.routes({ ...context, account: service.account });
  const limits = new Map(routes.flatMap(({ path, bodyLimit: own }) => (own ? [[path, own]] : [])));
  return createApp({
    logger,
    operations: routerOf([...healthRoutes(health), ...metricsRoutes(), openApiRoute(service.name, routes)]),
    json: { limit: bodyLimit, limits },
    // Express enters no router with an error: whoever is to see it stands in the one that it comes from.
    routers: [Router().use(schema.gate), routerOf(routes).use(schema.onError)],
    behindGateway: true,
    requestTimeout,
    translators: [translateDatabaseError],
  });
}

/** Milliseconds that a check waits for the database: fewer than a gateway waits for this service, which it would take for dead. */
const patience = 1_000;

/**
 * What both services read, at the cost of two looks into an index. Not of `product`: a lock that somebody holds on that for a
 * while is no illness.
 */
const trialStatement = 'SELECT (SELECT MAX(id) FROM category), (SELECT MAX(id) FROM tag)';

/** The database answers, runs this account's statements, and fits this release. */
export function databaseChecks(db: Database, schema: SchemaWatch): HealthCheck[] {
  return [
    {
      name: 'database',
      run: async () => {
        const started = performance.now();
        const { watchdog } = db.guard ?? {};
        watchdog?.refuseWhileAway();
        const trial = watchdog?.try(trialStatement);
        await Promise.race([trial, delay(patience).then(() => Promise.reject(new DatabaseAwayError()))]);
        return { up: true, detail: { latency_ms: Math.round(performance.now() - started) } };
      },
    },
    schema.check,
  ];
}

/** Brings the database of a service that is its owner to this release. */
async function prepare({ database }: ResourceServiceConfig, logger: Logger): Promise<void> {
  if (!database.ownsSchema) return;
  const ran = await migrate(database);
  if (ran.length > 0) logger.info({ migrations: ran }, 'database migrated');
  await restoreIndexes(database, (what) => logger.warn(`${what}: rebuilding it`));
}

/** Starts a resource service: it listens at once, and is ready when its database is. */
export async function startResourceService(service: ResourceServiceDescription, env: Environment): Promise<void> {
  const config = resourceServiceConfig(service, env);
  await startTelemetry(config.telemetry, () => logger);
  if (config.telemetry.tracing) traceStatements();
  const logger = processLogger(service.name, config.logLevel);
  const { requirePrecondition, requestTimeout } = config;
  const { queueMax, expensiveMax } = config.database;
  const db = connect(config.database, { limits: { requestTimeout, queueMax, expensiveMax } });
  const keys = useCursorKeys(db, service.account, config.cursorKeys);
  showPool(() => poolState(db));
  const schema = new SchemaWatch(db, logger);
  const end = new AbortController();
  const health = new Health(service.name, databaseChecks(db, schema));
  const app = createResourceApp(service, { db, requirePrecondition, requestTimeout, logger, health, schema });
  const server = await listen(app, config);
  const stopPurge = schedulePurge(db, service.account, logger);
  endOnSignal(server, {
    health,
    logger,
    delay: config.shutdownDelay,
    cleanUp: async () => {
      end.abort();
      stopPurge();
      await disconnect(db);
      await stopTelemetry();
    },
  });
  logger.info({ url: server.url }, `listening on ${server.url}`);
  const warning = reachWarning(config.reachedAt, 'nothing');
  if (warning !== undefined) logger.warn({ host: config.reachedAt }, warning);
  await schema.run({ prepare: () => prepare(config, logger), begin: () => keys.load(), end: end.signal });
}
