import * as z from 'zod';
import { booleanSetting, type Environment, integerSetting, readSettings, shownUrl, urlSetting } from './config.ts';
import type { Logger } from './logger.ts';
import { startMetrics } from './metrics.ts';
import { startTracing, stopTracing } from './tracing.ts';
import { samplerNames, type TracingConfig } from './tracing-types.ts';

/** What a process tells of itself, beside its log. */
export interface TelemetryConfig {
  /** Whether it counts, and answers at `/metrics`. */
  metrics: boolean;
  /** Where its spans go. Absent: nothing is traced. */
  tracing?: TracingConfig;
}

/**
 * The settings of telemetry; those of traces have OpenTelemetry's names and defaults. (The exporter reads more of them from
 * the process's environment by itself, such as `OTEL_EXPORTER_OTLP_HEADERS`.)
 * @throws {ConfigError}
 */
export function telemetryConfig(who: string, env: Environment): TelemetryConfig {
  const settings = readSettings(
    who,
    {
      METRICS: booleanSetting.default(true),
      OTEL_EXPORTER_OTLP_ENDPOINT: urlSetting.optional(),
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: urlSetting.optional(),
      OTEL_EXPORTER_OTLP_PROTOCOL: z.literal('http/protobuf').optional().describe('http/protobuf'),
      OTEL_TRACES_SAMPLER: z
        .enum(samplerNames)
        .default('parentbased_always_on')
        .describe(`one of ${samplerNames.join(', ')}`),
      OTEL_TRACES_SAMPLER_ARG: z
        .string()
        .regex(/^(?:0|1|0?\.\d+|1\.0+)$/)
        .transform(Number)
        .default(1)
        .describe('a share from 0 to 1'),
      OTEL_BSP_SCHEDULE_DELAY: integerSetting(1, 600_000).default(5_000),
      OTEL_SERVICE_NAME: z.string().default(who),
    },
    env,
  );
  const base = settings.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url = settings.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? (base && `${base.replace(/\/$/, '')}/v1/traces`);
  return {
    metrics: settings.METRICS,
    ...(url
      ? {
          tracing: {
            service: settings.OTEL_SERVICE_NAME,
            url,
            sampler: settings.OTEL_TRACES_SAMPLER,
            ratio: settings.OTEL_TRACES_SAMPLER_ARG,
            deliveryInterval: settings.OTEL_BSP_SCHEDULE_DELAY,
          },
        }
      : {}),
  };
}

/**
 * Starts what is wanted, for the whole process: before the logger and the app are made, which look once.
 * @param logger is asked for when there is something to say
 */
export async function startTelemetry({ metrics, tracing }: TelemetryConfig, logger: () => Logger): Promise<void> {
  if (metrics) startMetrics();
  if (tracing) {
    const url = shownUrl(tracing.url);
    await startTracing(tracing, (error) => {
      if (error) logger().warn({ err: error }, `spans cannot be delivered to ${url}; they are dropped`);
      else logger().info(`spans are delivered to ${url} again`);
    });
  }
}

/** Ends it, when the last request has been answered. */
export const stopTelemetry = stopTracing;
