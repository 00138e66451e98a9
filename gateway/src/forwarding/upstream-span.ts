import type { ClientRequest, IncomingMessage } from 'node:http';
import {
  endSpan,
  faultOf,
  headersOf,
  isTracing,
  type Span,
  spanOf,
  startClientSpan,
} from '@shop/service-kit/tracing.ts';
import type { Plugin } from 'http-proxy-middleware';

/**
 * Makes a span of each request to a service, for requests that are traced: an attempt each, with the outcome that it had. The
 * service's own span becomes its child. First among the plugins: the headers are still to be sent.
 */
export const upstreamSpans =
  (name: string): Plugin =>
  (proxy) => {
    if (!isTracing()) return;
    const spans = new WeakMap<IncomingMessage, Span>();
    proxy.on('proxyReq', (request: ClientRequest, req: IncomingMessage) => {
      const parent = spanOf(req);
      if (!parent) return;
      const { method, host, path } = request;
      const attributes = {
        'http.request.method': method,
        'server.address': host,
        // Without the query: that is what somebody has looked for.
        'url.full': `${request.protocol}//${request.getHeader('host')}${path.split('?', 1)[0]}`,
      };
      const span = startClientSpan(`${method} ${name}`, attributes, parent);
      if (!span) return;
      spans.set(req, span);
      for (const [header, value] of Object.entries(headersOf(span))) request.setHeader(header, value);
      request.once('error', (error) => endSpan(span, faultOf(error)));
      request.once('close', () => endSpan(span));
    });
    proxy.on('proxyRes', ({ statusCode = 0 }: IncomingMessage, req: IncomingMessage) => {
      const span = spans.get(req);
      span?.setAttribute('http.response.status_code', statusCode);
      if (statusCode >= 500) span?.setAttribute('error.type', String(statusCode));
    });
  };
