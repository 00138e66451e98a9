import type { IncomingHttpHeaders } from 'node:http';

/** A reference that leads from one path to another, wherever a proxy shows both (RFC 3986, section 4.2). */
function relativeReference(from: string, to: string): string {
  const [path = '', query] = to.split('?', 2);
  const rest = query === undefined ? '' : `?${query}`;
  if (path === from && rest) return rest;
  const base = from.split('/').slice(0, -1);
  const target = path.split('/');
  let common = 0;
  while (common < base.length && common < target.length - 1 && base[common] === target[common]) common++;
  return '../'.repeat(base.length - common) + target.slice(common).join('/') + rest;
}

/** The last prefix that is named, without a slash at its end: the one of the proxy before this gateway. */
function prefixOf(header: string | string[] | undefined): string | undefined {
  const last = String(header ?? '')
    .split(',')
    .at(-1)
    ?.trim();
  return last && /^(?:\/[\w.~%!$&'()*+;=:@-]+)+\/?$/.test(last) ? last.replace(/\/$/, '') : undefined;
}

/**
 * Makes the paths in `Location` and `Link` hold for the client, who may know this gateway under the path of a proxy: below the prefix
 * that the proxy names in the request's `X-Forwarded-Prefix`, else relative to the request's own path.
 * @param url the request's path and query
 */
export function adaptReferences(answer: IncomingHttpHeaders, url: string, request: IncomingHttpHeaders): void {
  if (answer.location === undefined && answer.link === undefined) return;
  const prefix = prefixOf(request['x-forwarded-prefix']);
  const [from = '/'] = url.split('?', 1);
  const adapted = (path: string): string => (prefix === undefined ? relativeReference(from, path) : `${prefix}${path}`);
  if (answer.location?.startsWith('/')) answer.location = adapted(answer.location);
  if (answer.link !== undefined) {
    answer.link = String(answer.link).replaceAll(/<(\/[^<>]*)>/g, (_all, path: string) => `<${adapted(path)}>`);
  }
}
