// `npm run soak`: random histories of many clients, on and on, while services are killed, on a stack of its own. Ctrl-C ends it
// with its summary. Exit code 1 when an answer cannot be explained, which is then printed, or the data break a rule.
//   --minutes N   how long (10)
//   --seed N      where randomness begins (the time)
// With E2E_BASE_URL it talks to that gateway, and kills nothing there.
import { setTimeout as delay } from 'node:timers/promises';
import { killService, type ServiceName } from '@shop/testing/kill.ts';
import type { Stack } from '@shop/testing/stack.ts';
import { brokenRules } from '@shop/testing/stack-data.ts';
import { createProgress } from '@shop/tools/progress.ts';
import { type HistoryResult, runHistories } from '@shop/verification/history/history.ts';
import { runStackCommand, type Told } from './stack-command.ts';

/** How many histories go on at once, each with up to five clients. */
const lanes = 4;
/** How many histories a lane carries out before it says how many it has. */
const roundsAtOnce = 5;
const services: ServiceName[] = ['gateway', 'catalog-service', 'tagging-service'];

/** What has come of it all so far. */
const total = { rounds: 0, requests: 0, retried: 0, kills: 0 };
const failures: string[] = [];

/** Carries out histories until it is over; `next` gives each call a seed of its own. */
async function runLane(url: string, faults: boolean, next: () => number, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    const result: HistoryResult = await runHistories(url, { seed: next(), rounds: roundsAtOnce, faults }).catch(
      (error: Error) => ({ rounds: 0, requests: 0, retried: 0, failure: String(error.stack) }),
    );
    total.rounds += result.rounds;
    total.requests += result.requests;
    total.retried += result.retried;
    if (result.failure) failures.push(result.failure);
  }
}

/** Kills a service every few seconds, whichever comes. */
async function killServices(stack: Stack, stop: AbortSignal, isOver: () => boolean): Promise<void> {
  for (;;) {
    await delay(1_000 + Math.random() * 4_000, undefined, { signal: stop }).catch(() => undefined);
    if (isOver()) return;
    await killService(stack, services[Math.floor(Math.random() * services.length)] as ServiceName);
    total.kills += 1;
  }
}

async function soak(url: string, stack: Stack | undefined, { amount: minutes, firstSeed, stop }: Told): Promise<void> {
  const seconds = minutes * 60;
  const started = performance.now();
  const elapsed = () => (performance.now() - started) / 1000;
  const isOver = () => stop.aborted || failures.length > 0 || elapsed() >= seconds;
  const progress = createProgress({ total: seconds, unit: 'seconds', rateUnit: 'requests' });
  const ticking = setInterval(() => progress.update(Math.min(elapsed(), seconds), total.requests), 1_000);
  let seed = firstSeed;
  const running = Array.from({ length: lanes }, () => runLane(url, stack !== undefined, () => seed++, isOver));
  await Promise.all([...running, ...(stack ? [killServices(stack, stop, isOver)] : [])]);
  clearInterval(ticking);
  progress.end();

  for (const failure of failures) console.log(`\n${failure}`);
  const broken = stack ? await brokenRules(stack) : [];
  for (const rule of broken) console.log(rule);
  const number = (value: number) => value.toLocaleString('en');
  console.log(
    `In ${(elapsed() / 60).toFixed(1)} min: ${number(total.rounds)} histories of ${number(total.requests)} requests, ` +
      `${number(total.retried)} of them sent again, ${total.kills} kills; ${failures.length} histories that cannot be ` +
      `explained, ${stack ? `${broken.length} broken rules of db:verify` : 'db:verify not run'}. Seeds from ${firstSeed}.`,
  );
  if (failures.length + broken.length > 0) process.exitCode = 1;
  else if (stop.aborted) process.exitCode = Number(stop.reason);
}

await runStackCommand('soak', { name: 'minutes', fallback: '10', isWhole: false }, soak);
