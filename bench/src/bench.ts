// `npm run bench`: measures the stack beside its yardsticks and writes what came out to bench/results.md. What it does and what
// the figures mean is in bench/README.md.
//   --quick             1,000 and 10,000 products and short rounds: about two minutes; writes no file
//   --products 1000,…   the sizes of the catalogues (1000,100000,1000000)
//   --rounds N          rounds of each case (5)
//   --seconds N         seconds of each round (5)
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { connect, QueryTypes } from '@shop/db/connection/connection.ts';
import type { DatabaseSettings } from '@shop/db/settings.ts';
import { stopSignal } from '@shop/tools/cli/command.ts';
import { createProgress } from '@shop/tools/progress.ts';
import { type BenchCase, checkLimit, createdPrefix, proxyCase, readingCases, writingCases } from './cases.ts';
import { catalogueOf } from './catalogue.ts';
import { type Contestant, medianOf, type Round, runLoad } from './load.ts';
import { startContestants, startProxies, stopPrograms } from './processes.ts';
import { type CaseResult, report, type Section } from './report.ts';

const root = path.join(import.meta.dirname, '../..');
const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    products: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
});
const sizes = (values.products ?? (values.quick ? '1000,10000' : '1000,100000,1000000')).split(',').map(Number);
const rounds = Number(values.rounds ?? (values.quick ? 2 : 5));
const seconds = Number(values.seconds ?? (values.quick ? 1 : 5));
const stop = stopSignal();
const ended = (): boolean => stop.aborted;

/** Deletes what the cases create, so that each catalogue is as large as it is said to be. */
async function removeCreated(owner: DatabaseSettings): Promise<void> {
  const db = connect({ ...owner, poolMax: 1 });
  const sql = `DELETE FROM product WHERE slug LIKE '${createdPrefix}%' LIMIT 5000`;
  while ((await db.sequelize.query(sql, { type: QueryTypes.BULKDELETE })) > 0);
  await db.sequelize.close();
}

/** Runs a case: a warm-up, then rounds in which the contenders take turns, and ours answers a single client. */
async function runCase(
  { name, expected, contenders, connections = 8 }: BenchCase,
  contestants: Partial<Record<string, Contestant>>,
  progress: () => void,
): Promise<CaseResult> {
  const found = new Map<string, Round[]>(contenders.map((contender) => [contender.name, []]));
  const alone: Round[] = [];
  for (let round = -1; round < rounds && !ended(); round++) {
    const length = round < 0 ? Math.min(2, seconds) : seconds;
    for (const contender of contenders) {
      const contestant = contestants[contender.contestant] as Contestant;
      const load = { seconds: length, connections, expected };
      const measured = await runLoad(contestant, contender.script, load);
      if (round >= 0) found.get(contender.name)?.push(measured);
    }
    const [first] = contenders;
    if (first && round >= 0) {
      const contestant = contestants[first.contestant] as Contestant;
      alone.push(await runLoad(contestant, first.script, { seconds: length, connections: 1, expected }));
    }
    progress();
  }
  const medians = [...found].map(([who, list]): [string, Round] => [who, medianOf(list)]);
  return { name, contenders: Object.fromEntries(medians), alone: medianOf(alone) };
}

async function runSection(
  title: string,
  cases: BenchCase[],
  contestants: Partial<Record<string, Contestant>>,
): Promise<Section> {
  console.log(`\n${title}`);
  const results: CaseResult[] = [];
  let done = 0;
  const progress = createProgress({ total: cases.length * (rounds + 1), unit: 'rounds' });
  for (const one of cases) {
    if (ended()) break;
    results.push(
      await runCase(one, contestants, () => {
        done += 1;
        progress.update(done);
      }),
    );
  }
  progress.end();
  for (const { name, contenders } of results) {
    console.log(`  ${name}`);
    for (const [who, { cpu, perSecond, p50, p99, failures }] of Object.entries(contenders)) {
      const figures = `${cpu.toFixed(0)} µs, ${perSecond.toFixed(0)}/s, p50 ${p50} ms, p99 ${p99} ms`;
      console.log(`    ${who.padEnd(24)} ${figures}${failures > 0 ? `, ${failures} FAILED` : ''}`);
    }
  }
  return { title, results };
}

const sections: Section[] = [];
try {
  sections.push(await runSection('The gateway in front of a trivial upstream', [proxyCase], await startProxies()));
  await stopPrograms();
  for (const products of sizes) {
    if (ended()) break;
    const { database, serverPid } = await catalogueOf(products);
    try {
      const contestants = await startContestants(database, serverPid);
      await checkLimit(contestants);
      await removeCreated(database.owner);
      const cases = [...(await readingCases(contestants, products)), ...(await writingCases(contestants, products))];
      sections.push(await runSection(`${products.toLocaleString('en')} products`, cases, contestants));
    } finally {
      await stopPrograms();
      await removeCreated(database.owner);
      await database.release();
    }
  }
  if (!values.quick && !ended()) {
    await writeFile(path.join(root, 'bench/results.md'), report(sections, { rounds, seconds }));
    console.log('\nWritten to bench/results.md.');
  }
  process.exit(ended() ? Number(stop.reason) : 0);
} catch (error) {
  await stopPrograms();
  console.error(`bench: ${(error as Error).stack}`);
  process.exit(1);
}
