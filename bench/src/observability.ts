// `npm run bench:observability`: what metrics and traces cost the gateway and catalog-service in CPU. The same pair of processes runs
// without both, with metrics, and with metrics and a tenth of the requests traced to a collector that throws spans away. They are
// asked at the same time: whatever else the machine does slows them down alike. Each is compared with the one without, round by round.
//   --rounds N    rounds of each case (15)
//   --seconds N   seconds of each round (4)
import { parseArgs } from 'node:util';
import { stopSignal } from '@shop/tools/cli/command.ts';
import { catalogueOf } from './catalogue.ts';
import { type Contestant, inTurn, medianOf, type Round, runLoad, type Script } from './load.ts';
import { startPair, startTraceSink, stopPrograms } from './processes.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '15' }, seconds: { type: 'string', default: '4' } },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const products = 1_000;
const goals: Record<string, number> = { metrics: 1.05, 'metrics, 10 % traced': 1.15 };
const stop = stopSignal();

const ids = Array.from({ length: 400 }, (_, index) => 6 + ((index * 7) % products));

/** Each connection changes a product of its own. */
const updates = (): Script => {
  let clients = 0;
  return () => {
    const id = ids[clients++ % ids.length];
    let turn = 0;
    return {
      next: () => {
        turn += 1;
        return {
          method: 'PUT',
          path: `/api/products/${id}`,
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ stock: turn % 50, price: (turn % 90) + 0.99 }),
        };
      },
    };
  };
};

const cases: Record<string, Script> = {
  'product by id': inTurn(ids.map((id) => ({ path: `/api/products/${id}` }))),
  update: updates(),
};

/** One round, in which Prometheus asks once. */
async function measure(contestant: Contestant, script: Script, length: number): Promise<Round> {
  const scraped = fetch(`${contestant.url}/metrics`).then((response) => response.text());
  const round = await runLoad(contestant, script, { seconds: length, connections: 4, expected: 200 });
  await scraped;
  return round;
}

const middle = (figures: number[]): number => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? 0;

try {
  const { database } = await catalogueOf(products);
  try {
    const sink = await startTraceSink();
    const traced = {
      OTEL_EXPORTER_OTLP_ENDPOINT: sink,
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.1',
    };
    const contestants = {
      off: await startPair(database, { METRICS: 'false' }),
      metrics: await startPair(database, {}),
      'metrics, 10 % traced': await startPair(database, traced),
    };
    const names = Object.keys(contestants) as (keyof typeof contestants)[];
    for (const [title, script] of Object.entries(cases)) {
      const found: Record<string, Round[]> = Object.fromEntries(names.map((name) => [name, []]));
      for (let round = -1; round < rounds && !stop.aborted; round++) {
        const length = round < 0 ? 3 * seconds : seconds;
        const measured = await Promise.all(names.map((name) => measure(contestants[name], script, length)));
        if (round >= 0) for (const [index, name] of names.entries()) found[name]?.push(measured[index] as Round);
      }
      console.log(`${title}, CPU of gateway and service per request, medians of ${rounds} rounds of ${seconds} s`);
      for (const name of names) {
        const { cpu, shares, perSecond, failures } = medianOf(found[name] ?? []);
        const parts = Object.entries(shares).map(([process, share]) => `${process} ${share.toFixed(0)}`);
        const ratio = middle((found[name] ?? []).map((round, index) => round.cpu / (found.off?.[index]?.cpu ?? 0)));
        const goal = goals[name];
        const verdict = goal ? `${ratio.toFixed(3)} × (goal ${goal}: ${ratio <= goal ? 'reached' : 'missed'})` : '';
        const failed = failures > 0 ? `, ${failures} FAILED` : '';
        console.log(
          `  ${name.padEnd(22)} ${cpu.toFixed(0)} µs = ${parts.join(' + ')}, ${perSecond.toFixed(0)}/s${failed}  ${verdict}`,
        );
      }
    }
  } finally {
    await stopPrograms();
    await database.release();
  }
} catch (error) {
  await stopPrograms();
  console.error(`bench: ${(error as Error).stack}`);
  process.exit(1);
}
process.exit(stop.aborted ? Number(stop.reason) : 0);
