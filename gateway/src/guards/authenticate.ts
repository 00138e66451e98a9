import type { IncomingMessage } from 'node:http';
import { clientHeader } from '@shop/service-kit/client.ts';
import { Problem } from '@shop/service-kit/problem.ts';
import type { ProblemCode } from '@shop/service-kit/problem-catalogue.ts';
import type { KeyRing } from './key-ring.ts';

const credentials = /^bearer +(\S+)$/i;

/** A refusal with the challenge that RFC 6750 (section 3) has for it. */
const refusal = (code: ProblemCode, detail: string, challenge = ''): Problem =>
  new Problem(code, detail, { headers: { 'WWW-Authenticate': `Bearer realm="shop"${challenge}` } });

/**
 * Finds out by its key who sends a request, and whether it may. The key goes no further: the request has the name of its client
 * ({@link clientHeader}) in the place of `Authorization` afterwards.
 * @returns 401 or 403 for one that may not
 */
export function authenticate(req: IncomingMessage, keys: KeyRing, publicRead: boolean): Problem | undefined {
  const { headers, method } = req;
  const { authorization } = headers;
  delete headers.authorization;
  const isRead = method === 'GET' || method === 'HEAD';
  if (authorization === undefined) {
    if (isRead && publicRead) return undefined;
    return refusal('unauthenticated', 'Send an API key: Authorization: Bearer KEY.');
  }
  const text = credentials.exec(authorization)?.[1];
  const key = text === undefined ? undefined : keys.find(text);
  if (!key)
    return refusal('unauthenticated', 'The Authorization header contains no known API key.', ', error="invalid_token"');
  headers[clientHeader] = key.name;
  if (isRead || key.scope === 'write') return undefined;
  return refusal('forbidden', 'The API key allows reading only.', ', error="insufficient_scope", scope="write"');
}
