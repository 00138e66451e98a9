// `npm run bench:search`: how long searches take that are made to take long, one after the other, through the gateway and whatever it
// takes to answer them, on a generated catalogue. Prints a table for bench/README.md.
//   --products N       the size of the catalogue (1000000)
//   --rounds N         how often each is asked (15)
//   --given            on the database that the settings name (DB_HOST and so on; with accounts of the services), filled by `npm run db:generate`
//   --server-pid N     with --given: the process of that server, if it is on this machine, whose CPU is measured
import { parseArgs } from 'node:util';
import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { prepareDatabase, provideDatabase } from '@shop/tools/provision.ts';
import { catalogueOf } from './catalogue.ts';
import { cpuSeconds } from './cpu.ts';
import { startStack, stopPrograms } from './processes.ts';
import { searches } from './searches.ts';

const { values } = parseArgs({
  options: {
    products: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '15' },
    given: { type: 'boolean', default: false },
    'server-pid': { type: 'string' },
  },
});
const rounds = Number(values.rounds);

interface Answer {
  /** Milliseconds. */
  took: number;
  rows: number;
  next: string | undefined;
}

async function ask(url: string): Promise<Answer> {
  const begun = performance.now();
  const response = await fetch(url);
  const body = (await response.json()) as unknown[];
  const took = performance.now() - begun;
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${JSON.stringify(body)}`);
  const next = /<([^>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  return { took, rows: body.length, next: next && new URL(next, url).href };
}

/** Milliseconds: the median, and the longest. */
const figuresOf = (times: number[]): string => {
  const sorted = times.toSorted((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)].map((time) => time?.toFixed(0)).join(' / ');
};

/** The name of a product in the middle of the table. */
async function aName(gateway: string): Promise<string> {
  const response = await fetch(`${gateway}/api/products?_start=500&_end=501&_fields=product_name&category_id=9`);
  const [product] = (await response.json()) as { product_name: string }[];
  return product?.product_name ?? '';
}

/** Asks for a first page and the one behind it, so often, and prints what came out. */
async function measure(gateway: string, pids: number[], what: string, path: string): Promise<void> {
  const first: number[] = [];
  const second: number[] = [];
  let rows = '';
  const before = await cpuSeconds(pids);
  for (let round = 0; round < rounds; round++) {
    const page = await ask(gateway + path);
    first.push(page.took);
    rows = String(page.rows);
    if (!page.next) continue;
    const next = await ask(page.next);
    second.push(next.took);
    rows += `, ${next.rows}`;
  }
  const [used = 0] = (await cpuSeconds(pids)).map((seconds, index) => seconds - (before[index] ?? 0));
  const cpu = pids.length > 0 ? `${((used * 1000) / (first.length + second.length)).toFixed(0)} ms` : '';
  const next = second.length > 0 ? `${figuresOf(second)} ms` : '–';
  const shown = decodeURIComponent(path.replace('/api/', '').replaceAll('+', ' '));
  console.log(`| ${what}: \`${shown}\` | ${rows} | ${figuresOf(first)} ms | ${next} | ${cpu} |`);
}

async function givenDatabase() {
  const database = await provideDatabase(loadEnvironmentFile());
  await prepareDatabase(database);
  return { database, serverPid: values['server-pid'] };
}

const { database, serverPid } = values.given ? await givenDatabase() : await catalogueOf(Number(values.products));
try {
  const { url } = await startStack(database);
  const pids = serverPid === undefined ? [] : [Number(serverPid)];
  console.log('| search | rows | first page: p50 / slowest | next page | CPU of the database |\n|---|---|---|---|---|');
  for (const [what, path] of [...searches, ...named(await aName(url))]) await measure(url, pids, what, path);
} finally {
  await stopPrograms();
  await database.release();
}

function named(name: string): [string, string][] {
  const q = new URLSearchParams({ q: name });
  return [
    ['a whole name', `/api/products?${q}`],
    ['a whole name, dearest first', `/api/products?${q}&_sort=price&_order=desc`],
    ['a whole name, counted', `/api/products?${q}&_count=exact`],
  ];
}
