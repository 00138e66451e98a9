// A program that `expensive.ts` starts twice, once for those who are measured and once for those who harm them: clients that share
// an event loop wait for each other. It is told over IPC whom to play, and tells what came of it.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/** What one kind of client sends, one request after the other. */
export type Kind = 'product by id' | 'page of 50' | 'update' | 'expensive' | 'batch';

/** What a crowd is told to do. */
export interface Told {
  url: string;
  /** How many products there are. */
  products: number;
  /** How many clients there are of each kind. */
  clients: Partial<Record<Kind, number>>;
  /** How long each begins requests, in milliseconds. */
  time: number;
  /** Milliseconds, at random up to twice as many, between an answer and the next request. */
  pause: number;
  /** Whether who is refused waits as long as it is told. */
  isPatient: boolean;
}

export interface Answer {
  status: number;
  /** Milliseconds. */
  took: number;
}

/** What came of it, and seconds of CPU that the clients took. */
export interface Played {
  answers: Partial<Record<Kind, Answer[]>>;
  cpu: number;
}

type Sent = [method: string, path: string, body?: string];

const agent = new Agent({ keepAlive: true });

function ask(url: string, method: string, body?: string): Promise<Answer & { retryAfter: number }> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const headers =
      body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
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

const worst = [
  '?_sort=version',
  '?_sort=price,stock',
  '?product_name_like=zzzzqq',
  '?version_gte=1&_count=exact',
  '?q=for%20most',
  '/facets',
];

/** As many products of the longest texts as a batch has room for, none of which is kept. */
const largestBatch = (() => {
  let made: string | undefined;
  return () => {
    const create = Array.from({ length: 120 }, (_, index) => ({
      product_name: `heavy ${index}`,
      price: 1,
      description: 'long text '.repeat(6_553),
    }));
    made ??= JSON.stringify({ create });
    return made;
  };
})();

let turn = 0;
const anyUpTo = (most: number) => 1 + Math.floor(Math.random() * most);
const requestOf: Record<Kind, (products: number) => Sent> = {
  'product by id': (products) => ['GET', `/api/products/${anyUpTo(products)}`],
  'page of 50': (products) => ['GET', `/api/products?id_gte=${anyUpTo(products)}`],
  update: (products) => ['PUT', `/api/products/${anyUpTo(products)}`, JSON.stringify({ stock: anyUpTo(100) })],
  expensive: () => {
    turn += 1;
    const path = worst[turn % worst.length] ?? '';
    // Nobody shares an answer.
    return ['GET', `/api/products${path}${path.includes('?') ? '&' : '?'}stock_lte=${1_000_000 + turn}`];
  },
  batch: () => ['POST', '/api/products/batch?_dry_run=true&_return=minimal', largestBatch()],
};

async function play({ url, products, clients, time, pause, isPatient }: Told): Promise<Played> {
  const before = process.cpuUsage();
  const end = performance.now() + time;
  const answers: Partial<Record<Kind, Answer[]>> = {};
  const client = async (kind: Kind, all: Answer[]) => {
    while (performance.now() < end) {
      const [method, path, body] = requestOf[kind](products);
      const { status, took, retryAfter } = await ask(url + path, method, body);
      all.push({ status, took });
      if (status === 503 && isPatient) await delay(retryAfter * 1_000);
      else if (pause > 0) await delay(Math.random() * 2 * pause);
    }
  };
  await Promise.all(
    Object.entries(clients).flatMap(([kind, count]) => {
      const all: Answer[] = [];
      answers[kind as Kind] = all;
      return Array.from({ length: count }, () => client(kind as Kind, all));
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { answers, cpu: (user + system) / 1e6 };
}

process.on('message', async (told: Told) => process.send?.(await play(told)));
process.on('disconnect', () => process.exit(0));
