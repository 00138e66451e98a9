// `npm run fuzz`: hostile requests, made from the API's own description, on a stack of its own. Ctrl-C ends it with its summary.
// Exit code 1 when one is answered wrongly, which is then printed, a service has logged a fault of its own, or the data break a
// rule.
//   --requests N   how many (20000)
//   --seed N       where randomness begins (the time)
// With E2E_BASE_URL it talks to that gateway.

import type { Stack } from '@shop/testing/stack.ts';
import { brokenRules } from '@shop/testing/stack-data.ts';
import { createProgress } from '@shop/tools/progress.ts';
import { createFuzzer } from '@shop/verification/hostile/fuzz.ts';
import { runStackCommand, type Told } from './stack-command.ts';

/** How many clients send at once, each on one connection. */
const lanes = 4;
/** How many requests a client sends under one seed, at the most. */
const requestsAtOnce = 250;
/** Milliseconds for these, and for making a failure smaller. */
const timeLimit = 120_000;
/** So many different failures end it early. */
const mostFailures = 5;

const number = (value: number) => value.toLocaleString('en');

async function fuzzAll(
  url: string,
  stack: Stack | undefined,
  { amount: requests, firstSeed, stop }: Told,
): Promise<void> {
  const fuzz = await createFuzzer(url);
  const progress = createProgress({ total: requests, unit: 'requests' });
  const failures: string[] = [];
  const statuses = new Map<number, number>();
  // What a client has begun to send counts as taken.
  let [taken, sent, seed, slowest] = [0, 0, firstSeed, { milliseconds: 0, request: '' }];
  const share = Math.min(requestsAtOnce, Math.ceil(requests / lanes));
  const runLane = async () => {
    while (!stop.aborted && taken < requests && failures.length < mostFailures) {
      const own = seed++;
      const amount = Math.min(share, requests - taken);
      taken += amount;
      const result = await fuzz({ seed: own, requests: amount, timeLimit }).catch((error: Error) => {
        failures.push(`FUZZ_SEED=${own} ended early: ${error.message}`);
      });
      taken += (result?.requests ?? 0) - amount;
      if (!result) continue;
      sent += result.requests;
      for (const [status, count] of result.statuses) statuses.set(status, (statuses.get(status) ?? 0) + count);
      if (result.slowest.milliseconds > slowest.milliseconds) slowest = result.slowest;
      if (result.failure) failures.push(result.failure);
      progress.update(Math.min(sent, requests), sent);
    }
  };
  await Promise.all(Array.from({ length: lanes }, runLane));
  progress.end();

  for (const failure of failures) console.log(`\n${failure}`);
  const faults = stack
    ? stack
        .output()
        .split('\n')
        .filter((line) => line.includes('"level":"error"'))
    : [];
  for (const fault of faults.slice(0, mostFailures)) console.log(fault);
  const broken = stack ? await brokenRules(stack) : [];
  for (const rule of broken) console.log(rule);
  const told = [...statuses].toSorted(([a], [b]) => a - b).map(([status, count]) => `${number(count)} × ${status}`);
  console.log(
    `${number(sent)} requests, answered ${told.join(', ')}; the slowest took ${slowest.milliseconds} ms. ` +
      `${failures.length} answered wrongly, ${stack ? `${faults.length} faults logged, ${broken.length} broken rules of db:verify` : 'logs and db:verify not looked at'}. ` +
      `Seeds from ${firstSeed}.`,
  );
  if (failures.length + faults.length + broken.length > 0) process.exitCode = 1;
  else if (stop.aborted) process.exitCode = Number(stop.reason);
}

await runStackCommand('fuzz', { name: 'requests', fallback: '20000', isWhole: true }, fuzzAll);
