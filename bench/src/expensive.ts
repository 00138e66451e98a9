// `npm run bench:expensive`: what 20 clients of the most expensive reads cost 10 of the cheapest requests. What it does and what the
// figures mean is in bench/README.md.
//   --products N   the size of the catalogue (1000000)
//   --rounds N     rounds without and with the expensive reads, in turn (5)
//   --seconds N    seconds of each round (10)
//   --max N        DB_EXPENSIVE_MAX (the services' own choice)
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { catalogueOf } from './catalogue.ts';
import { startPair, stopPrograms } from './processes.ts';

const { values } = parseArgs({
  options: {
    products: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '10' },
    max: { type: 'string' },
  },
});
const products = Number(values.products);
const agent = new Agent({ keepAlive: true });

interface Answer {
  status: number;
  /** Milliseconds. */
  took: number;
  retryAfter: number;
}

function ask(url: string, method: string, body?: string): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(url, { agent, method, headers }, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          took: performance.now() - began,
          retryAfter: Number(response.headers['retry-after'] ?? 0),
        }),
      );
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

const anyId = () => 1 + Math.floor(Math.random() * products);
let turn = 0;
const worst = [
  '?_sort=version',
  '?_sort=price,stock',
  '?product_name_like=zzzzqq',
  '?version_gte=1&_count=exact',
  '?q=for%20most',
  '/facets',
];

/** What each kind of client sends. */
const kinds: Record<string, { clients: number; next(): [method: string, path: string, body?: string] }> = {
  'product by id': { clients: 4, next: () => ['GET', `/api/products/${anyId()}`] },
  'page of 50': { clients: 3, next: () => ['GET', `/api/products?id_gte=${anyId()}`] },
  update: {
    clients: 3,
    next: () => ['PUT', `/api/products/${anyId()}`, JSON.stringify({ stock: Math.floor(Math.random() * 100) })],
  },
  expensive: {
    clients: 20,
    next: () => {
      turn += 1;
      const path = worst[turn % worst.length] ?? '';
      return ['GET', `/api/products${path}${path.includes('?') ? '&' : '?'}stock_lte=${1_000_000 + turn}`];
    },
  },
};

/** Lets clients of these kinds ask, one request after the other, for a while; who is refused waits as long as it is told. */
async function round(url: string, names: string[], seconds: number): Promise<Record<string, Answer[]>> {
  const end = performance.now() + seconds * 1_000;
  const found = Object.fromEntries(names.map((name): [string, Answer[]] => [name, []]));
  const client = async (name: string) => {
    while (performance.now() < end) {
      const [method, path, body] = kinds[name]?.next() ?? ['GET', '/'];
      const answer = await ask(url + path, method, body);
      found[name]?.push(answer);
      if (answer.status === 503) await delay(answer.retryAfter * 1_000);
    }
  };
  await Promise.all(names.flatMap((name) => Array.from({ length: kinds[name]?.clients ?? 0 }, () => client(name))));
  return found;
}

function figuresOf(answers: Answer[]): string {
  const times = answers.map(({ took }) => took).toSorted((a, b) => a - b);
  const at = (share: number) => (times[Math.floor(times.length * share)] ?? 0).toFixed(1);
  const statuses = Object.entries(Object.groupBy(answers, ({ status }) => status));
  const counts = statuses.map(([status, list = []]) => `${list.length} × ${status}`).join(', ');
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, ${counts}`;
}

const { database } = await catalogueOf(products);
try {
  const settings = values.max === undefined ? {} : { DB_EXPENSIVE_MAX: values.max };
  const { url } = await startPair(database, settings);
  const cheap = Object.keys(kinds).filter((name) => name !== 'expensive');
  await round(url, cheap, 5);
  const alone: Record<string, Answer[]> = {};
  const beside: Record<string, Answer[]> = {};
  for (let count = 0; count < Number(values.rounds); count++) {
    for (const [names, all] of [
      [cheap, alone],
      [[...cheap, 'expensive'], beside],
    ] as const) {
      for (const [name, answers] of Object.entries(await round(url, [...names], Number(values.seconds)))) {
        all[name] = [...(all[name] ?? []), ...answers];
      }
    }
  }
  for (const [title, all] of [
    ['alone', alone],
    ['beside 20 clients of expensive reads', beside],
  ] as const) {
    console.log(title);
    for (const [name, answers] of Object.entries(all)) console.log(`  ${name.padEnd(14)} ${figuresOf(answers)}`);
  }
} finally {
  await stopPrograms();
  await database.release();
}
process.exit(0);
