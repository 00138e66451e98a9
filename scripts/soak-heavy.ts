// `npm run soak:heavy`: 32 clients ask for all they may of a catalogue of the longest texts, on a stack of its own, without a pause.
// Ctrl-C ends it with its summary. Exit code 1 when a request fails, a program ends, or one passes its bound on memory.
//   --minutes N   how long (5)
import { setTimeout as delay } from 'node:timers/promises';
import { ConfigError } from '@shop/service-kit/config.ts';
import type { Stack } from '@shop/testing/stack.ts';
import { createProgress } from '@shop/tools/progress.ts';
import { startHeavyClients } from '@shop/verification/resilience/heavy-catalogue.ts';
import { peakMemoryOf, programsOf } from '@shop/verification/resilience/stack-programs.ts';
import { runStackCommand, type Told } from './stack-command.ts';

/** Resident MiB that no program may pass. */
const memoryBound = 512;
/** `REQUEST_TIMEOUT_MS` where nothing is set. */
const requestTimeout = 10_000;

async function soakHeavy(url: string, stack: Stack | undefined, { amount: minutes, stop }: Told): Promise<void> {
  if (!stack) throw new ConfigError('E2E_BASE_URL is set, and this needs a stack of its own, whose memory it can see');
  const before = await programsOf(stack);
  const clients = await startHeavyClients(url, requestTimeout);
  const seconds = minutes * 60;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const progress = createProgress({ total: seconds, unit: 'seconds', rateUnit: 'requests' });
  while (!stop.aborted && clients.wrong.length === 0 && elapsed() < seconds) {
    await delay(1_000);
    progress.update(Math.min(elapsed(), seconds), clients.sent());
  }
  progress.end();
  await clients.stop();

  const after = await programsOf(stack);
  const peaks = Object.entries(await peakMemoryOf(stack)).map(([name, bytes]) => ({ name, mib: bytes / 2 ** 20 }));
  const ended = Object.keys(before).filter(
    (name) => before[name as keyof typeof before] !== after[name as keyof typeof after],
  );
  for (const failure of clients.wrong.slice(0, 10)) console.log(failure);
  for (const name of ended) console.log(`${name} ended`);
  console.log(
    `In ${(elapsed() / 60).toFixed(1)} min: ${clients.sent().toLocaleString('en')} requests, ${clients.done().toLocaleString('en')} of them ` +
      `done, ${clients.late()} batches out of time (504, undone), ${clients.wrong.length} failed, the rest refused (400 or 503). Memory at the most: ` +
      `${peaks.map(({ name, mib }) => `${name} ${Math.round(mib)} MiB`).join(', ')}.`,
  );
  const isBroken = clients.wrong.length + ended.length > 0 || peaks.some(({ mib }) => mib > memoryBound);
  if (isBroken) process.exitCode = 1;
  else if (stop.aborted) process.exitCode = Number(stop.reason);
}

await runStackCommand('soak:heavy', { name: 'minutes', fallback: '5', isWhole: false }, soakHeavy);
