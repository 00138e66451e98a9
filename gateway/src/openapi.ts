import { etagOf } from '@shop/service-kit/etag.ts';
import { unavailable } from '@shop/service-kit/problem.ts';
import { mergeDocuments, type OpenApi } from './openapi-document.ts';
import type { Pools } from './upstreams/upstream-pool.ts';

/** Milliseconds that a service has to describe itself. */
const patience = 2_000;

/** Milliseconds for which a document is good: it changes with a release only, and costs much to make. */
const lifetime = 1_000;

/** A document as it is sent. */
export interface DocumentText {
  text: string;
  etag: string;
}

/**
 * Fetches each service's document, and keeps the last that it gave for the time when it is away. However many ask, it does so once a
 * second.
 * @throws {Problem} 503 while a service has never been reached
 */
export function createDocumentSource(own: OpenApi, pools: Pools): () => Promise<DocumentText> {
  const known = new Map<string, OpenApi>();
  const read = async (): Promise<DocumentText> => {
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
    const services = Object.keys(pools).flatMap((name) => known.get(name) ?? []);
    const text = JSON.stringify(mergeDocuments(own, services));
    return { text, etag: etagOf(text) };
  };
  let latest: Promise<DocumentText> | undefined;
  return () => {
    latest ??= read();
    const asked = latest;
    const forget = () => {
      if (latest === asked) latest = undefined;
    };
    asked.then(() => setTimeout(forget, lifetime).unref(), forget);
    return asked;
  };
}
