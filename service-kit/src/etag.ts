import { hash } from 'node:crypto';

/** A strong entity tag (RFC 9110, section 8.8.3) for a text: its digest, behind `prefix` if there is one. */
export function etagOf(text: string, prefix?: string | number): string {
  const digest = hash('sha1', text, 'base64url').slice(0, 20);
  return prefix === undefined ? `"${digest}"` : `"${prefix}-${digest}"`;
}

/** The tags of an `If-None-Match` header without their `W/`: whether one of them, or `*`, stands for `etag`. */
export function matchesNone(header: string, etag: string): boolean {
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
