import { randomUUID } from 'node:crypto';
import { request } from '@shop/testing/http.ts';
import type { Column, Program, Row } from './row.ts';
import type { OwnRows, System } from './system.ts';

/** One request and what its client saw. */
export interface Answer {
  request: string;
  /** As in the matrix; other statuses read the same way. */
  outcome: string;
  milliseconds: number;
  /** The body, where it is a problem. */
  problem: string;
}

interface Question {
  method?: string;
  url: string;
  body?: object;
  headers?: Record<string, string>;
  /** What the write is found by afterwards. */
  name?: string;
}

/** What writers were told, by the names of their writes. */
export class WriteLog {
  readonly prefix: string;
  readonly acknowledged = new Set<string>();
  #count = 0;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  nextName(): string {
    this.#count += 1;
    return `${this.prefix} ${this.#count}`;
  }
}

/** Sends a request and says what its client sees; one that takes longer than `limit` milliseconds has no answer. */
export async function ask(
  { method = 'GET', url, body, headers, name }: Question,
  limit: number,
  log: WriteLog,
): Promise<Answer> {
  const started = performance.now();
  let problem = '';
  const outcome = await request(url, {
    method,
    signal: AbortSignal.timeout(limit),
    ...(body ? { body } : {}),
    ...(headers ? { headers } : {}),
  }).then(
    (answer) => {
      const isDone = answer.status >= 200 && answer.status < 300;
      if (isDone && name !== undefined) log.acknowledged.add(name);
      if (isDone) return 'ok';
      problem = answer.text;
      const code = answer.body?.code;
      const mayComeAgain = code !== 'unavailable' || answer.headers.has('retry-after');
      return `${answer.status}${code ? ` ${code}` : ''}${mayComeAgain ? '' : ' without Retry-After'}`;
    },
    () => 'no answer',
  );
  return {
    request: `${method} ${new URL(url).pathname}`,
    outcome,
    milliseconds: Math.round(performance.now() - started),
    problem,
  };
}

/** Creates a product, and moves the stock of another that all share. */
function writesOf(
  { urls: { gateway }, product: shared, tag }: System & OwnRows,
  log: WriteLog,
  headers: () => Record<string, string>,
): Question[] {
  const [product, movement] = [log.nextName(), log.nextName()];
  const post = (path: string, body: object, name: string): Question => ({
    method: 'POST',
    url: `${gateway}${path}`,
    body,
    headers: headers(),
    name,
  });
  return [
    post('/api/products', { product_name: product, price: 1, stock: 3, tagIds: [tag] }, product),
    post(`/api/products/${shared}/stock`, { delta: 1, reason: movement }, movement),
  ];
}

/** The requests of a column, writes under names of their own. */
export function questionsOf(column: Column, system: System & OwnRows, log: WriteLog, { silent = [] }: Row): Question[] {
  const { urls, tagged } = system;
  const { gateway } = urls;
  const get = (...paths: string[]): Question[] => paths.map((path) => ({ url: `${gateway}${path}` }));
  switch (column) {
    case 'reads':
      return get('/api/products/1', '/api/products?_limit=5', '/api/categories/1', '/api/categories/tree');
    case 'writes':
      return writesOf(system, log, () => ({}));
    case 'keyed':
      return writesOf(system, log, () => ({ 'Idempotency-Key': randomUUID() }));
    case 'tags': {
      const name = log.nextName();
      const body = { tag_name: name, productIds: [tagged] };
      return [...get('/api/tags/1', '/api/tags'), { method: 'POST', url: `${gateway}/api/tags`, body, name }];
    }
    case 'live':
      return (Object.keys(urls) as Program[])
        .filter((program) => !silent.includes(program))
        .map((program) => ({ url: `${urls[program]}/health/live` }));
    case 'ready':
      return [{ url: `${urls['catalog-service']}/health/ready` }];
    case 'health':
      return get('/health');
    case 'pages':
      return get('/docs', '/problems');
  }
}
