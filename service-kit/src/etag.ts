import { hash } from 'node:crypto';
import type { JsonText } from './json-text.ts';

/** A strong entity tag (RFC 9110, section 8.8.3) for a text: its digest, behind `prefix` if there is one. */
export function etagOf(text: string | JsonText, prefix?: string | number): string {
  const whole = typeof text === 'string' ? hash('sha1', text, 'base64url') : text.digest();
  const digest = whole.slice(0, 20);
  return prefix === undefined ? `"${digest}"` : `"${prefix}-${digest}"`;
}

/** What an `If-Match` or `If-None-Match` header names: whichever version there is, or these entity tags. */
export type NamedTags = '*' | string[];

const entityTag = /(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"/g;

/** Such a header (RFC 9110, sections 13.1.1 and 13.1.2); undefined when it is malformed. A tag may hold commas. */
export function parseTags(header: string): NamedTags | undefined {
  if (header.trim() === '*') return '*';
  const tags = header.match(entityTag);
  const elements = header.replaceAll(entityTag, '""').split(',');
  return tags && elements.every((element) => ['', '""'].includes(element.trim())) ? tags : undefined;
}

/**
 * Whether a resource that is at `version` is among those named. Every tag of a resource begins with its version, which alone counts
 * here. The comparison is strong, as `If-Match` asks for: a weak tag never matches.
 */
export const matchesVersion = (named: NamedTags, version: number): boolean =>
  named === '*' || named.some((tag) => /^"(\d+)[-."]/.exec(tag)?.[1] === String(version));

/** The same, compared weakly, as `If-None-Match` asks for. */
export const matchesVersionWeakly = (named: NamedTags, version: number): boolean =>
  matchesVersion(named === '*' ? named : named.map((tag) => tag.replace(/^W\//, '')), version);

/** The tags of an `If-None-Match` header without their `W/`: whether one of them, or `*`, stands for `etag`. */
export function matchesNone(header: string, etag: string): boolean {
  return header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}
