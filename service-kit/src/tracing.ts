import type { IncomingMessage } from 'node:http';
import {
  type Attributes,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { Tracing, TracingConfig } from './tracing-types.ts';

export type { Attributes, Span };

/** Absent: nothing is traced. */
let tracing: Tracing | undefined;
const serverSpans = new WeakMap<IncomingMessage, Span>();

/** Whether this process traces requests. */
export const isTracing = (): boolean => tracing !== undefined;

/**
 * Begins to trace requests, for the whole process.
 * @param report is told when spans cannot be delivered, and (undefined) when they can be again
 */
export async function startTracing(config: TracingConfig, report: (error: Error | undefined) => void): Promise<void> {
  // A tenth of a second and eight megabytes, for those who trace.
  const { createTracing } = await import('./tracing-sdk.ts');
  tracing = createTracing(config, report);
}

/** Delivers what is left, as far as that is possible in two seconds, and traces no more. */
export async function stopTracing(): Promise<void> {
  const ended = tracing;
  tracing = undefined;
  await ended?.stop();
}

/** The span that runs at the moment, where its trace is one of those that are kept. */
function activeSpan(): Span | undefined {
  const span = tracing && trace.getActiveSpan();
  return span?.isRecording() ? span : undefined;
}

/** By which a log line is found from its trace, and the other way round; both undefined where there is no trace. */
export function traceIdsOf(span: Span | undefined): { trace_id: string | undefined; span_id: string | undefined } {
  const ids = span?.spanContext();
  return { trace_id: ids?.traceId, span_id: ids?.spanId };
}

/** Those of the span that runs at the moment. */
export const activeTraceIds = () => traceIdsOf(activeSpan());

/**
 * Runs `work` in the span of a request that has come, a child of the one that its `traceparent` names; `work` has to see to
 * its end. Whoever the request is passed on to learns of it from the same header, also that it is not traced: else they
 * would begin traces of their own. Where nothing is traced, `work` is all that happens.
 */
export function inServerSpan(req: IncomingMessage, work: (span: Span | undefined) => void): void {
  if (!tracing) {
    work(undefined);
    return;
  }
  const { tracer, propagator, isKept, newTraceId, newSpanId, withTraceId } = tracing;
  const { method = '', url = '', headers } = req;
  const parent = propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);
  const begun = trace.getSpanContext(parent);
  const traceId = begun?.traceId ?? newTraceId();
  delete headers.tracestate;
  // Asked before a span is made: most requests are not traced, and one that says nothing costs as much as all else of this.
  if (!isKept(parent, traceId)) {
    headers.traceparent = `00-${traceId}-${begun?.spanId ?? newSpanId()}-00`;
    if (begun?.traceState) headers.tracestate = begun.traceState.serialize();
    work(undefined);
    return;
  }
  const [path] = url.split('?', 1);
  // Its path, and not the query: that is what somebody has looked for.
  const attributes = { 'http.request.method': method, 'url.scheme': 'http', 'url.path': path };
  const span = withTraceId(traceId, () => tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent));
  Object.assign(headers, headersOf(span));
  serverSpans.set(req, span);
  context.with(trace.setSpan(parent, span), work, undefined, span);
}

/** The span of a request that has come and is traced. */
export const spanOf = (req: IncomingMessage): Span | undefined => serverSpans.get(req);

/** The headers that make a request that is sent a child of `span`. */
export function headersOf(span: Span): Record<string, string> {
  const headers: Record<string, string> = {};
  tracing?.propagator.inject(trace.setSpan(ROOT_CONTEXT, span), headers, defaultTextMapSetter);
  return headers;
}

/** Begins a span of what is asked of somebody else: a service, the database. Absent where the request is not traced. */
export function startClientSpan(name: string, attributes: Attributes, parent = activeSpan()): Span | undefined {
  if (!tracing || !parent) return undefined;
  return tracing.tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
}

/** Ends a span; `fault` names what went wrong, by a code and never by a message, which may quote what was sent. */
export function endSpan(span: Span | undefined, fault?: string): void {
  if (!span?.isRecording()) return;
  if (fault !== undefined) span.setAttribute('error.type', fault).setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

/** Runs `work` in a span of its own, where the request is traced. */
export async function inSpan<T>(name: string, attributes: Attributes, work: () => Promise<T>): Promise<T> {
  if (!tracing || !activeSpan()) return work();
  return tracing.tracer.startActiveSpan(name, { attributes }, async (span) => {
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
