import { readFile } from 'node:fs/promises';
import path from 'node:path';
// @ts-expect-error: newman has no types; what is used of it is declared as `RunNewman` below
import untypedNewman from 'newman';
import { parse } from 'yaml';

interface Item {
  name: string;
  meta: { id: string; description?: string };
  scripts?: { preRequest?: string; afterResponse?: string };
}

export interface InsomniaRequest extends Item {
  url: string;
  method: string;
  headers?: { name: string; value: string }[];
  parameters?: { name: string; value: string }[];
  body?: { text?: string };
}

export interface InsomniaFolder extends Item {
  /** Of all requests in it. */
  authentication?: { type: 'bearer'; token: string };
  children: (InsomniaRequest | InsomniaFolder)[];
}

/** A collection as Insomnia 5 exports it, as far as it is used here. */
export interface InsomniaCollection extends Item {
  collection: InsomniaFolder['children'];
  environments: { data: object; subEnvironments: { name: string; data: object }[] };
}

/** What went wrong in a request; `test` is `request` or `script` where it was none of its tests. */
export interface Failure {
  request: string;
  test: string;
  message: string;
}

/** How a request did; it is called by its folders and its name: `Products / Create a product`. */
export interface RequestReport {
  request: string;
  tests: number;
  failures: Failure[];
}

export interface RunReport {
  requests: number;
  assertions: number;
  failures: Failure[];
}

type Summary = { run: { stats: Record<'requests' | 'assertions', { total: number }> } };
type Listener = (error: Error | null, about: { item: { id: string }; assertion?: string }) => void;

type RunNewman = (
  options: object,
  done: (error: Error | null, summary: Summary) => void,
) => { on(event: string, listener: Listener): void };

const runNewman: RunNewman = untypedNewman.run;
const file = path.join(import.meta.dirname, '../../docs/insomnia.yaml');

export const readCollection = async (): Promise<InsomniaCollection> => parse(await readFile(file, 'utf8'));

/** Every request in the order of a run, with the names of the folders that it is in. */
export const requestsOf = (
  items: InsomniaFolder['children'],
  folders: string[] = [],
): { folders: string[]; request: InsomniaRequest }[] =>
  items.flatMap((item) =>
    'children' in item ? requestsOf(item.children, [...folders, item.name]) : [{ folders, request: item }],
  );

/** `{{ _.product_id }}` in Insomnia is `{{product_id}}` in Postman. */
const withTags = (text: string): string => text.replaceAll(/\{\{\s*_\.(\w+)\s*\}\}/g, '{{$1}}');

/** The two script APIs differ in the name of their object alone, for all that the collection uses of them. */
const event = (listen: string, code = '') => ({
  listen,
  script: { type: 'text/javascript', exec: code.replaceAll(/\binsomnia\./g, 'pm.').split('\n') },
});

function toPostmanItem(item: InsomniaRequest | InsomniaFolder): Record<string, unknown> {
  const { name, meta, scripts } = item;
  const events = [event('prerequest', scripts?.preRequest), event('test', scripts?.afterResponse)];
  const common = { id: meta.id, name, description: meta.description ?? '', event: events };
  if ('children' in item) {
    const token = item.authentication?.token;
    const auth = token && { type: 'bearer', bearer: [{ key: 'token', value: withTags(token) }] };
    return { ...common, ...(auth ? { auth } : {}), item: item.children.map(toPostmanItem) };
  }
  const { method, url, parameters = [], headers = [], body } = item;
  // As text: in its parts, a tag that stands for a path and a query would be taken for a host.
  const query = parameters.map((parameter) => `${parameter.name}=${parameter.value}`).join('&');
  return {
    ...common,
    request: {
      method,
      url: withTags(query ? `${url}?${query}` : url),
      header: headers.map((header) => ({ key: header.name, value: withTags(header.value) })),
      ...(body?.text === undefined ? {} : { body: { mode: 'raw', raw: withTags(body.text) } }),
    },
  };
}

/**
 * The collection in Postman's format 2.1 with the variables of an environment.
 * @throws {Error} naming the environments that there are, when there is none of this name
 */
export function toPostman({ name, collection, environments }: InsomniaCollection, environmentName: string) {
  const { data, subEnvironments } = environments;
  const environment = subEnvironments.find((candidate) => candidate.name === environmentName);
  if (!environment) {
    const known = subEnvironments.map((candidate) => `"${candidate.name}"`).join(', ');
    throw new Error(`the collection has no environment "${environmentName}", only ${known}`);
  }
  return {
    info: { name, schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json' },
    item: collection.map(toPostmanItem),
    variable: Object.entries({ ...data, ...environment.data }).map(([key, value]) => ({ key, value })),
  };
}

/**
 * Sends every request in order to a live, seeded gateway. A failure does not end the run, so that what was created is
 * deleted again; a gateway that is away makes every request a failure.
 * @param options.apiKey of scope `write`, for a gateway that wants keys
 * @throws {Error} when the run as a whole could not take place
 */
export async function runCollection(
  baseUrl: string,
  { apiKey = '', onRequest }: { apiKey?: string; onRequest?: (report: RequestReport) => void } = {},
): Promise<RunReport> {
  const collection = await readCollection();
  const reports = new Map<string, RequestReport>();
  for (const { folders, request } of requestsOf(collection.collection)) {
    reports.set(request.meta.id, { request: [...folders, request.name].join(' / '), tests: 0, failures: [] });
  }
  const stats = await new Promise<Summary['run']['stats']>((resolve, reject) => {
    const options = {
      collection: toPostman(collection, 'local (npm start)'),
      envVar: [
        { key: 'base_url', value: baseUrl.replace(/\/+$/, '') },
        { key: 'api_key', value: apiKey },
      ],
      timeoutRequest: 10_000,
    };
    const emitter = runNewman(options, (error, summary) => (error ? reject(error) : resolve(summary.run.stats)));
    for (const event of ['request', 'script', 'assertion', 'item'] as const) {
      emitter.on(event, (error, { item, assertion }) => {
        const report = reports.get(item.id);
        if (!report) return;
        if (event === 'assertion') report.tests += 1;
        if (error) report.failures.push({ request: report.request, test: assertion ?? event, message: error.message });
        if (event === 'item') onRequest?.(report);
      });
    }
  });
  const failures = [...reports.values()].flatMap((report) => report.failures);
  return { requests: stats.requests.total, assertions: stats.assertions.total, failures };
}
