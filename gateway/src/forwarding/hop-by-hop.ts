import type { IncomingHttpHeaders } from 'node:http';

/** What is between two neighbours and no further (RFC 9110, section 7.6.1). */
const ofConnection = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];

/**
 * What is never between neighbours, so that nobody may name it in `Connection`. A client whose `Connection` a proxy passes on could
 * take it away from others: the bounds of a body, the precondition of a write, or who has sent it.
 */
const endToEnd = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'forwarded',
  'host',
  'idempotency-key',
  'if-match',
  'if-none-match',
  'transfer-encoding',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
]);

/** Takes out what is not to be passed on: the headers of the connection that they came on, and those that `Connection` names. */
export function dropHopByHop(headers: IncomingHttpHeaders): void {
  const { connection } = headers;
  if (connection !== undefined) {
    for (const option of connection.toLowerCase().split(',')) {
      const name = option.trim();
      if (!endToEnd.has(name)) delete headers[name];
    }
  }
  for (const name of ofConnection) delete headers[name];
}
