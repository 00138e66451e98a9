import { booleanSetting, type Environment, readSettings } from './config.ts';
import { startMetrics } from './metrics.ts';

/** What a process tells of itself, beside its log. */
export interface TelemetryConfig {
  /** Whether it counts, and answers at `/metrics`. */
  metrics: boolean;
}

/**
 * The settings of telemetry.
 * @throws {ConfigError}
 */
export function telemetryConfig(who: string, env: Environment): TelemetryConfig {
  const settings = readSettings(who, { METRICS: booleanSetting.default(true) }, env);
  return { metrics: settings.METRICS };
}

/** Starts what is wanted, for the whole process; before the app is made, which looks once. */
export function startTelemetry(config: TelemetryConfig): void {
  if (config.metrics) startMetrics();
}
