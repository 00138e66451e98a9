// `npm run bench:search`: how long searches take that are made to take long, one after the other, through the gateway and whatever it
// takes to answer them, on a generated catalogue. Prints a table for bench/README.md.
//   --products N   the size of the catalogue (1000000)
//   --rounds N     how often each is asked (15)
import { parseArgs } from 'node:util';
import { catalogueOf } from './catalogue.ts';
import { startContestants, stopPrograms } from './processes.ts';

const { values } = parseArgs({
  options: { products: { type: 'string', default: '1000000' }, rounds: { type: 'string', default: '15' } },
});
const products = Number(values.products);
const rounds = Number(values.rounds);

const twenty =
  'the of for most our customers ask that season favourite made with in and goes well everything else by free returns';

/** What is asked, by what it is an example of. */
const searches: [string, Record<string, string>][] = [
  ['two words of a third of all products', { q: 'the of' }],
  ['common words', { q: 'for most' }],
  ['a common word', { q: 'the' }],
  ['a letter, which begins very many words', { q: 's' }],
  ['another one', { q: 't' }],
  ['the beginning of every SKU', { q: '1' }],
  ['a rare word', { q: 'walnut' }],
  ['a rare word and common ones', { q: 'the walnut of' }],
  ['common words that never meet', { q: 'season customers' }],
  ['common words, and one that is nowhere', { q: 'the nowhere of' }],
  ['a word that is nowhere', { q: 'nowhere' }],
  ['characters that are nowhere', { q: '日本語のシャツ' }],
  ['one character that is nowhere', { q: '本' }],
  ['a whole SKU', { q: 'abc-def-123456' }],
  ['20 words', { q: twenty }],
  ['a common word, in a category', { q: 'the', category_id: '5' }],
  ['a common word, drafts', { q: 'the', status: 'draft' }],
  ['a common word, by price', { q: 'the', _sort: 'price' }],
];

/** Milliseconds that each of some requests took, in order, and how many rows the last one had. */
async function ask(url: string): Promise<{ times: number[]; rows: number }> {
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    const response = await fetch(url);
    const body = (await response.json()) as unknown[];
    times.push(performance.now() - begun);
    if (response.status !== 200) throw new Error(`${url}: ${response.status} ${JSON.stringify(body)}`);
    rows = body.length;
  }
  return { times: times.toSorted((a, b) => a - b), rows };
}

/** The name of a product in the middle of the table. */
async function aName(gateway: string): Promise<string> {
  const response = await fetch(
    `${gateway}/api/products?id_gte=${Math.floor(products / 2)}&_limit=1&_fields=product_name`,
  );
  const [product] = (await response.json()) as { product_name: string }[];
  return product?.product_name ?? '';
}

const { database, serverPid } = await catalogueOf(products);
try {
  const { ours } = await startContestants(database, serverPid);
  console.log('| search | rows | p50 | slowest |\n|---|---|---|---|');
  for (const [what, parameters] of [...searches, ['a whole name', { q: await aName(ours.url) }] as const]) {
    const { times, rows } = await ask(`${ours.url}/api/products?${new URLSearchParams(parameters)}`);
    const shown = Object.entries(parameters).map(([name, value]) => `${name}=${value}`);
    const [p50, slowest] = [times[Math.floor(times.length / 2)], times.at(-1)].map((time) => time?.toFixed(0));
    console.log(`| ${what}: \`${shown.join('&')}\` | ${rows} | ${p50} ms | ${slowest} ms |`);
  }
} finally {
  await stopPrograms();
  await database.release();
}
