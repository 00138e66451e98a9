import { hash } from 'node:crypto';
import type { JsonText } from './json-text.ts';

/** A strong entity tag (RFC 9110, section 8.8.3) for a text: its digest, behind `prefix` if there is one. */
export function etagOf(text: string | JsonText, prefix?: string | number): string {
  const whole = typeof text === 'string' ? hash('sha1', text, 'base64url') : text.digest();
  const digest = whole.slice(0, 20);
  return prefix === undefined ? `"${digest}"` : `"${prefix}-${digest}"`;
}

/** What an `If-Match` header asks for: whichever version there is, or one of these entity tags. */
export type IfMatch = '*' | string[];

const entityTag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** An `If-Match` header (RFC 9110, section 13.1.1); undefined when it is malformed. A tag may hold commas. */
export function parseIfMatch(header: string): IfMatch | undefined {
  if (header.trim() === '*') return '*';
  const tags = header.match(entityTag);
  const elements = header.replaceAll(entityTag, '""').split(',');
  return tags && elements.every((element) => ['', '""'].includes(element.trim())) ? tags : undefined;
}

/**
 * Whether an `If-Match` allows a resource to be changed that is at `version`. Every tag of a resource begins with its version,
 * which alone counts here. The comparison is strong: a weak tag never matches.
 */
export const matchesVersion = (ifMatch: IfMatch, version: number): boolean =>
  ifMatch === '*' || ifMatch.some((tag) => /^"(\d+)[-."]/.exec(tag)?.[1] === String(version));

/** The tags of an `If-None-Match` header without their `W/`: whether one of them, or `*`, stands for `etag`. */
export function matchesNone(header: string, etag: string): boolean {
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
