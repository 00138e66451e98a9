import type { UpstreamName } from './config.ts';

/** The whole routing table: a path prefix, matched by whole segments, and the service that has it. */
export const routes: { prefix: string; upstream: UpstreamName }[] = [
  { prefix: '/api/categories', upstream: 'catalog-service' },
  { prefix: '/api/products', upstream: 'catalog-service' },
  { prefix: '/api/tags', upstream: 'tagging-service' },
];

/** The paths of a service's own that are passed on at its operations port. */
export const operationsPaths = ['/health', '/metrics', '/openapi.json'];

/**
 * Whether `path` is `prefix` or below it: `/api/products` and `/api/products/7`, but not `/api/productsX`.
 * A `pathFilter` given as a string would match that, too.
 */
export const isBelow = (prefix: string, path: string): boolean => path === prefix || path.startsWith(`${prefix}/`);
