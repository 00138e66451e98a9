// `npm run bench:expensive`: what 20 clients of the most expensive requests cost 10 of the cheapest. What it does and what the figures
// mean is in bench/README.md.
//   --products N   the size of the catalogue (1000000)
//   --rounds N     rounds without and with the expensive ones, in turn (5)
//   --seconds N    seconds of each round (8)
//   --by KIND      the expensive ones: `expensive` (reads) or `batch` (of 8 MiB)
//   --crowd N      how many clients send them (20)
//   --pause N      milliseconds between two requests of a cheap client, on average (0)
//   --impatient    who is refused does not wait
//   --max N        DB_EXPENSIVE_MAX (the services' own choice)
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { catalogueOf } from './catalogue.ts';
import { cpuSeconds } from './cpu.ts';
import type { Answer, Kind, Played, Told } from './crowd.ts';
import { startPair, stopPrograms } from './processes.ts';

const { values } = parseArgs({
  options: {
    products: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '8' },
    by: { type: 'string', default: 'expensive' },
    crowd: { type: 'string', default: '20' },
    pause: { type: 'string', default: '0' },
    impatient: { type: 'boolean', default: false },
    max: { type: 'string' },
  },
});
const cheap: Partial<Record<Kind, number>> = { 'product by id': 4, 'page of 50': 3, update: 3 };
const harmful: Partial<Record<Kind, number>> = { [values.by as Kind]: Number(values.crowd) };

const startCrowd = () => fork(path.join(import.meta.dirname, 'crowd.ts'), { stdio: 'inherit' });

async function play(crowd: ChildProcess, told: Told): Promise<Played> {
  const played = once(crowd, 'message');
  crowd.send(told);
  return (await played)[0];
}

const at = (sorted: number[], share: number) => sorted[Math.floor(sorted.length * share)] ?? 0;
const median = (figures: number[]) =>
  at(
    figures.toSorted((a, b) => a - b),
    0.5,
  );
const timesOf = (answers: Answer[]) => answers.map(({ took }) => took).toSorted((a, b) => a - b);

function statusesOf(answers: Answer[]): string {
  return Object.entries(Object.groupBy(answers, ({ status }) => status))
    .map(([status, list = []]) => {
      const times = timesOf(list);
      const share = ((100 * list.length) / answers.length).toFixed(0);
      return `${list.length} × ${status} (${share} %, p50 ${at(times, 0.5).toFixed(0)} ms, p99 ${at(times, 0.99).toFixed(0)} ms)`;
    })
    .join(', ');
}

/** What all rounds of a sort have shown: the answers of each kind in each round, and the CPU that each process took. */
interface Shown {
  answers: Partial<Record<Kind, Answer[][]>>;
  cpu: Record<string, number>;
}

const shown = (): Shown => ({ answers: {}, cpu: {} });

const { database, serverPid } = await catalogueOf(Number(values.products));
const crowds = { victims: startCrowd(), attackers: startCrowd() };
try {
  const settings = values.max === undefined ? {} : { DB_EXPENSIVE_MAX: values.max };
  const { url, processes } = await startPair(database, settings);
  const pids = { ...processes, database: serverPid };
  const time = Number(values.seconds) * 1_000;
  const told = { url, products: Number(values.products), time, pause: Number(values.pause), isPatient: true };
  await play(crowds.victims, { ...told, time: 5_000, clients: cheap });

  async function round({ answers, cpu }: Shown, isAttacked: boolean): Promise<void> {
    const before = await cpuSeconds(Object.values(pids));
    const [victims, attackers] = await Promise.all([
      play(crowds.victims, { ...told, clients: cheap }),
      isAttacked
        ? play(crowds.attackers, { ...told, pause: 0, isPatient: !values.impatient, clients: harmful })
        : undefined,
    ]);
    const after = await cpuSeconds(Object.values(pids));
    const used: Record<string, number> = { 'cheap clients': victims.cpu, 'expensive clients': attackers?.cpu ?? 0 };
    for (const [index, name] of Object.keys(pids).entries()) used[name] = (after[index] ?? 0) - (before[index] ?? 0);
    for (const [name, seconds] of Object.entries(used)) cpu[name] = (cpu[name] ?? 0) + seconds;
    for (const [kind, list] of Object.entries({ ...victims.answers, ...attackers?.answers })) {
      answers[kind as Kind] = [...(answers[kind as Kind] ?? []), list];
    }
  }

  const [alone, beside] = [shown(), shown()];
  for (let count = 0; count < Number(values.rounds); count++) {
    await round(alone, false);
    await round(beside, true);
  }
  const seconds = (Number(values.rounds) * time) / 1_000;
  for (const [title, { answers, cpu }] of [
    ['alone', alone],
    [`beside ${values.crowd} clients of ${values.by} requests`, beside],
  ] as const) {
    console.log(title);
    for (const [kind, rounds] of Object.entries(answers)) {
      console.log(`  ${kind.padEnd(14)} ${statusesOf(rounds.flat())}`);
    }
    const shares = Object.entries(cpu).map(([name, used]) => `${name} ${((100 * used) / seconds).toFixed(0)} %`);
    console.log(`  CPU: ${shares.join(', ')}`);
  }
  console.log('beside, by alone (medians of the rounds)');
  for (const kind of Object.keys(cheap) as Kind[]) {
    const ratio = (share: number) => {
      const of = ({ answers }: Shown) => median((answers[kind] ?? []).map((list) => at(timesOf(list), share)));
      return (of(beside) / of(alone)).toFixed(2);
    };
    console.log(`  ${kind.padEnd(14)} p50 ${ratio(0.5)} ×, p99 ${ratio(0.99)} ×`);
  }
} finally {
  for (const crowd of Object.values(crowds)) crowd.disconnect();
  await stopPrograms();
  await database.release();
}
process.exit(0);
