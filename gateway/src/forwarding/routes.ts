import type { Method } from '@shop/service-kit/route.ts';
import type { UpstreamName } from '../config.ts';

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

/** What can be done at a path of a service. */
export interface Operations {
  /** With `:id` for a segment that names a resource. */
  path: string;
  methods: readonly Method[];
}

/**
 * Every path of the services, and its methods: a body is refused before it is read where none of them would take it. The first that
 * fits counts. A test compares it with what the services describe.
 */
export const operations: readonly Operations[] = [
  { path: '/api/categories/tree', methods: ['get'] },
  { path: '/api/products/facets', methods: ['get'] },
  { path: '/api/products/:id/stock', methods: ['post'] },
  { path: '/api/products/:id/stock-movements', methods: ['get'] },
  { path: '/api/tags/:id/products', methods: ['post'] },
  { path: '/api/tags/:id/merge', methods: ['post'] },
  ...routes.flatMap(({ prefix }): Operations[] => [
    { path: prefix, methods: ['get', 'post'] },
    { path: `${prefix}/batch`, methods: ['post'] },
    { path: `${prefix}/:id`, methods: ['get', 'put', 'patch', 'delete'] },
  ]),
];

/** Express, which routes in the services, ignores case and a slash at the end. */
const segmentsOf = (path: string): string[] => path.toLowerCase().replace(/\/$/, '').split('/');

const known = operations.map(({ path, methods }) => ({ segments: segmentsOf(path), methods }));

/** The methods that a service has at a path; none where nothing is there. */
export function methodsAt(path: string): readonly Method[] | undefined {
  const given = segmentsOf(path);
  const fits = ({ segments }: { segments: string[] }) =>
    segments.length === given.length &&
    segments.every((segment, index) => (segment === ':id' ? given[index] !== '' : segment === given[index]));
  return known.find(fits)?.methods;
}
