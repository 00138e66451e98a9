// `npm run bench:overload`: what becomes of the stack when it is asked for more than it can do. Finds the number of clients at which
// it answers the most, then lets four times as many ask, and a thousand; each client sends its next request as soon as it has an
// answer, whatever that is. Reports the requests that were answered with success, how long /health/live took meanwhile, and memory.
//   --seconds N   seconds of each round (5)
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { prepareDatabase, provideDatabase } from '@shop/tools/provision.ts';
import { type Contestant, inTurn, runLoad } from './load.ts';
import { startStack, stopPrograms } from './processes.ts';

const root = path.join(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const seconds = Number(values.seconds);

/** Resident memory of a process in MiB. Linux only. */
async function memory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

/** Asks a URL all the while (`probe.ts`) until it is told to stop; the times of the answers in milliseconds, in order. */
function probe(url: string): () => Promise<number[]> {
  const thread = new Worker(new URL('probe.ts', import.meta.url), { workerData: url });
  return async () => {
    thread.postMessage('stop');
    const [times] = await once(thread, 'message');
    return times;
  };
}

/** One round: successes per second, printed with what they cost. */
async function round(contestant: Contestant, connections: number): Promise<number> {
  const requests = Array.from({ length: 5 }, (_, index) => ({ path: `/api/products/${index + 1}` }));
  const stop = probe(`${contestant.url}/health/live`);
  const { perSecond, failures, p99 } = await runLoad(contestant, inTurn(requests), {
    seconds,
    connections,
    expected: 200,
  });
  const live = await stop();
  const goodput = perSecond - failures / seconds;
  const { gateway, service } = contestant.processes;
  const sizes = await Promise.all([gateway, service].map((pid) => memory(pid as number)));
  console.log(
    `${connections} clients: ${goodput.toFixed(0)}/s with success, ${(failures / seconds).toFixed(0)}/s without, p99 ${p99} ms; ` +
      `/health/live p50 ${live[Math.floor(live.length / 2)]?.toFixed(0)} ms, p99 ${live[Math.floor(live.length * 0.99)]?.toFixed(0)} ms, at most ${live.at(-1)?.toFixed(0)} ms; ` +
      `gateway ${sizes[0]?.toFixed(0)} MiB, catalog-service ${sizes[1]?.toFixed(0)} MiB`,
  );
  return goodput;
}

const database = await provideDatabase({
  PATH: process.env.PATH,
  ENV_FILE: '',
  DATA_DIR: path.join(root, '.data/overload'),
});
try {
  await prepareDatabase(database);
  const ours = await startStack(database);
  await round(ours, 16);
  let peak = { clients: 0, goodput: 0 };
  for (const clients of [4, 8, 16, 32, 64]) {
    const goodput = await round(ours, clients);
    if (goodput > peak.goodput) peak = { clients, goodput };
  }
  for (const clients of [4 * peak.clients, 1_000]) {
    const share = (await round(ours, clients)) / peak.goodput;
    console.log(`  ${(share * 100).toFixed(0)} % of the peak at ${peak.clients} clients`);
  }
} finally {
  await stopPrograms();
  await database.release();
}
process.exit(0);
