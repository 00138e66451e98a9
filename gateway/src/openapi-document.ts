import { apiVersion } from '@shop/service-kit/openapi.ts';

/** An OpenAPI document, as far as merging looks into it. */
export interface OpenApi {
  openapi: string;
  info: { title: string; version: string; description?: string };
  servers?: { url: string }[];
  tags?: { name: string; description?: string }[];
  paths?: object;
  components?: object;
}

/**
 * The gateway's own document and those of the services as one. Of a service, what is below `/api` counts: the rest is its
 * own. A component that two of them have must be the same in both.
 * @throws {Error} naming a component that differs
 */
export function mergeDocuments(own: OpenApi, services: OpenApi[]): OpenApi {
  const merged = {
    paths: {} as Record<string, unknown>,
    components: {} as Record<string, Record<string, unknown>>,
  };
  for (const document of [own, ...services]) {
    const { paths, components } = document;
    for (const [path, item] of Object.entries(paths ?? {})) {
      if (document === own || path.startsWith('/api/')) merged.paths[path] = item;
    }
    for (const [kind, entries] of Object.entries(components ?? {})) {
      merged.components[kind] ??= {};
      const known = merged.components[kind];
      for (const [name, component] of Object.entries(entries)) {
        if (name in known && JSON.stringify(known[name]) !== JSON.stringify(component)) {
          throw new Error(`two services describe the component ${name} differently`);
        }
        known[name] = component;
      }
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Shop catalogue',
      version: apiVersion,
      description:
        'Categories, products and tags of an internet shop. Errors are RFC 9457 problems; every fault of a request is named at once.',
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'categories', description: 'The tree that products are sorted into.' },
      { name: 'products', description: 'What is for sale.' },
      { name: 'tags', description: 'What products have in common across categories.' },
      { name: 'operations', description: 'How the system is.' },
    ],
    ...merged,
  };
}
