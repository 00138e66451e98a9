import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Attributes,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
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
  type Sampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';

export type { Attributes, Span };

/** Which requests are traced: OpenTelemetry's names, and what each makes of its argument, the share from 0 to 1. */
export const samplers = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio: number) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio: number) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
} satisfies Record<string, (ratio: number) => Sampler>;

export interface TracingConfig {
  service: string;
  /** Where spans go, path and all, by OTLP over HTTP as protobuf. */
  url: string;
  sampler: keyof typeof samplers;
  ratio: number;
}

/** Milliseconds that a span waits for others to be delivered with: a process that is killed loses no more. */
const deliveryInterval = 1_000;

/** Milliseconds that the last spans have to be delivered when the process ends. */
const patience = 2_000;

const propagator = new W3CTraceContextPropagator();
let provider: TracerProvider | undefined;
/** Absent: nothing is traced. */
let tracer: Tracer | undefined;

const serverSpans = new WeakMap<IncomingMessage, Span>();

/** Whether this process traces requests. */
export const isTracing = (): boolean => tracer !== undefined;

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
 * Begins to trace requests, for the whole process. Spans are sent in batches, aside from all that waits for an answer; what
 * cannot be delivered is dropped.
 * @param report is told when spans cannot be delivered, and (undefined) when they can be again
 */
export function startTracing(
  { service, url, sampler, ratio }: TracingConfig,
  report: (error: Error | undefined) => void,
): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  provider = new TracerProvider({
    sampler: samplers[sampler](ratio),
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector, serviceInstanceIdDetector] }))
      .merge(resourceFromAttributes({ 'service.name': service })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: reporting(new OTLPTraceExporter({ url }), report),
        scheduledDelayMillis: deliveryInterval,
      }),
    ],
  });
  tracer = provider.getTracer('shop');
}

/** Delivers what is left, as far as that is possible in two seconds, and traces no more. */
export async function stopTracing(): Promise<void> {
  const stopped = provider?.shutdown().catch(() => {});
  provider = undefined;
  tracer = undefined;
  await Promise.race([stopped, delay(patience, undefined, { ref: false })]);
}

/** The span that runs at the moment, where its trace is one of those that are kept. */
function activeSpan(): Span | undefined {
  const span = tracer && trace.getActiveSpan();
  return span?.isRecording() ? span : undefined;
}

/** By which a log line is found from its trace, and the other way round; nothing where there is no trace. */
export function traceIds(span = activeSpan()): { trace_id?: string; span_id?: string } {
  if (!span) return {};
  const { traceId: trace_id, spanId: span_id } = span.spanContext();
  return { trace_id, span_id };
}

/**
 * Runs `work` in the span of a request that has come, a child of the one that its `traceparent` names; `work` has to see to
 * its end. Whoever the request is passed on to learns of it from the same header, also that it is not traced: else they
 * would begin traces of their own. Where nothing is traced, `work` is all that happens.
 */
export function inServerSpan(req: IncomingMessage, work: (span: Span | undefined) => void): void {
  if (!tracer) {
    work(undefined);
    return;
  }
  const parent = propagator.extract(ROOT_CONTEXT, req.headers, defaultTextMapGetter);
  const { method = '', url = '' } = req;
  const [path] = url.split('?', 1);
  // Its path, and not the query: that is what somebody has looked for.
  const attributes = { 'http.request.method': method, 'url.scheme': 'http', 'url.path': path };
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent);
  delete req.headers.tracestate;
  Object.assign(req.headers, headersOf(span));
  if (!span.isRecording()) {
    work(undefined);
    return;
  }
  serverSpans.set(req, span);
  context.with(trace.setSpan(parent, span), work, undefined, span);
}

/** The span of a request that has come and is traced. */
export const spanOf = (req: IncomingMessage): Span | undefined => serverSpans.get(req);

/** The headers that make a request that is sent a child of `span`. */
export function headersOf(span: Span): Record<string, string> {
  const headers: Record<string, string> = {};
  propagator.inject(trace.setSpan(ROOT_CONTEXT, span), headers, defaultTextMapSetter);
  return headers;
}

/** Begins a span of what is asked of somebody else: a service, the database. Absent where the request is not traced. */
export function startClientSpan(name: string, attributes: Attributes, parent = activeSpan()): Span | undefined {
  if (!tracer || !parent) return undefined;
  return tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
}

/** Ends a span; `fault` names what went wrong, by a code and never by a message, which may quote what was sent. */
export function endSpan(span: Span | undefined, fault?: string): void {
  if (!span?.isRecording()) return;
  if (fault !== undefined) span.setAttribute('error.type', fault).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Runs `work` in a span of its own, where the request is traced. */
export async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (!tracer || !activeSpan()) return work();
  return tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      const result = await work();
      endSpan(span);
      return result;
    } catch (error) {
      endSpan(span, faultOf(error));
      throw error;
    }
  });
}

/** What kind of error it is: its code, or else its class. */
export function faultOf(error: unknown): string {
  const { code, name } = error as { code?: unknown; name?: string };
  return typeof code === 'string' ? code : (name ?? 'unknown');
}
