import { setTimeout as delay } from 'node:timers/promises';
import { context, SpanKind } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { SamplerName, Tracing, TracingConfig } from './tracing-types.ts';

/** Milliseconds that the last spans have to be delivered when the process ends. */
const patience = 2_000;

/** What each name makes of the share that is to be traced. */
const samplers: Record<SamplerName, (ratio: number) => Sampler> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

/**
 * The exporter, and a word when its collector cannot be reached: one when that begins and one when it is over, however many
 * batches are lost in between.
 */
function reporting(exporter: SpanExporter, report: (error: Error | undefined) => void): SpanExporter {
  let failing = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== ExportResultCode.SUCCESS;
        if (failed !== failing) report(failed ? (result.error ?? new Error('not accepted')) : undefined);
        failing = failed;
        done(result);
      }),
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
  };
}

/**
 * OpenTelemetry's SDK, set up. Spans are sent in batches, aside from all that waits for an answer; what cannot be delivered is
 * dropped.
 * @param report is told when spans cannot be delivered, and (undefined) when they can be again
 */
export function createTracing(
  { service, url, sampler, ratio, deliveryInterval }: TracingConfig,
  report: (error: Error | undefined) => void,
): Tracing {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  const exporter = reporting(new OTLPTraceExporter({ url }), report);
  const chosen = samplers[sampler](ratio);
  const ids = new RandomIdGenerator();
  let givenId: string | undefined;
  const provider = new TracerProvider({
    sampler: chosen,
    idGenerator: {
      generateTraceId: () => givenId ?? ids.generateTraceId(),
      generateSpanId: () => ids.generateSpanId(),
    },
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector, serviceInstanceIdDetector] }))
      .merge(resourceFromAttributes({ 'service.name': service })),
    spanProcessors: [new BatchSpanProcessor({ exporter, scheduledDelayMillis: deliveryInterval })],
  });
  return {
    tracer: provider.getTracer('shop'),
    propagator: new W3CTraceContextPropagator(),
    newTraceId: () => ids.generateTraceId(),
    newSpanId: () => ids.generateSpanId(),
    isKept: (parent, traceId) =>
      chosen.shouldSample(parent, traceId, '', SpanKind.SERVER, {}, []).decision !== SamplingDecision.NOT_RECORD,
    withTraceId: (traceId, begin) => {
      givenId = traceId;
      try {
        return begin();
      } finally {
        givenId = undefined;
      }
    },
    stop: async () => {
      const stopped = provider.shutdown().catch(() => {});
      await Promise.race([stopped, delay(patience, undefined, { ref: false })]);
    },
  };
}
