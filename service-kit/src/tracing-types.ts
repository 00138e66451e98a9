import type { Context, TextMapPropagator, Tracer } from '@opentelemetry/api';

/** Which requests are traced, by OpenTelemetry's names. */
export const samplerNames = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
] as const;
export type SamplerName = (typeof samplerNames)[number];

export interface TracingConfig {
  service: string;
  /** Where spans go, path and all, by OTLP over HTTP as protobuf. */
  url: string;
  sampler: SamplerName;
  /** The share of the requests that are traced, from 0 to 1, for the samplers that want one. */
  ratio: number;
  /** Milliseconds that a span waits for others to be delivered with; a process that is killed loses no more. */
  deliveryInterval: number;
}

/** What makes spans, writes and reads the headers that name them, and delivers the last ones at the end. */
export interface Tracing {
  tracer: Tracer;
  propagator: TextMapPropagator;
  newTraceId(): string;
  newSpanId(): string;
  /** Whether the sampler keeps a trace: one that somebody else has begun (`parent`), or a new one of this id. */
  isKept(parent: Context, traceId: string): boolean;
  /** Runs `begin`, whose span, where it begins a trace, gives that this id. */
  withTraceId<T>(traceId: string, begin: () => T): T;
  stop(): Promise<void>;
}
