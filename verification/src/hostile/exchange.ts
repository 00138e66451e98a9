import { Agent, request } from 'node:http';
import { type HostileRequest, packed } from './hostile-request.ts';

/** An answer as it came. */
export interface RawAnswer {
  status: number;
  /** By their names in lower case. */
  headers: Record<string, string>;
  text: string;
}

/** Milliseconds without an answer after which a request counts as hanging, however busy the machine. */
const patience = 30_000;

/** One connection at a time, kept for the next request: whatever one request leaves on it, the next one meets. */
export const oneConnection = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 });

/**
 * Sends a request as it is, odd headers and all.
 * @throws {Error} when there is no answer
 */
export function exchange(gateway: string, hostile: HostileRequest, agent: Agent): Promise<RawAnswer> {
  const { host, hostname, port } = new URL(gateway);
  const { headers, bytes } = packed(hostile);
  const length: [string, string][] = bytes ? [['Content-Length', String(bytes.length)]] : [];
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const sent = request({
    agent,
    host: hostname,
    port,
    method: hostile.method,
    path: hostile.target,
    // As a list, Node leaves them as they are, and adds none.
    headers: [['Host', host], ...headers, ...hostile.headers, ...length].flat(),
    signal: AbortSignal.timeout(patience),
  });
  sent.on('error', reject).on('response', (response) => {
    const chunks: Buffer[] = [];
    response
      .on('data', (chunk) => chunks.push(chunk))
      .on('error', reject)
      .on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: Object.fromEntries(Object.entries(response.headers).map(([name, value]) => [name, String(value)])),
          text: Buffer.concat(chunks).toString(),
        }),
      );
  });
  sent.end(bytes);
  return promise;
}
