import { unavailable } from '@shop/service-kit/problem.ts';
import { mergeDocuments, type OpenApi } from './openapi-document.ts';
import type { Pools } from './upstreams/upstream-pool.ts';

/** Milliseconds that a service has to describe itself. */
const patience = 2_000;

/**
 * Fetches each service's document, and keeps the last that it gave for the time when it is away.
 * @throws {Problem} 503 while a service has never been reached
 */
export function createDocumentSource(own: OpenApi, pools: Pools): () => Promise<OpenApi> {
  const known = new Map<string, OpenApi>();
  return async () => {
    await Promise.all(
      Object.entries(pools).map(async ([name, pool]) => {
        try {
          const response = await fetch(pool.urlOf('/openapi.json'), { signal: AbortSignal.timeout(patience) });
          if (response.ok) known.set(name, (await response.json()) as OpenApi);
        } catch (error) {
          if (!known.has(name)) throw unavailable(`${name} cannot be reached at the moment.`, error);
        }
      }),
    );
    return mergeDocuments(
      own,
      Object.keys(pools).flatMap((name) => known.get(name) ?? []),
    );
  };
}
