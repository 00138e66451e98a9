// A thread that asks a URL fifty times a second until it is told to stop, so that the slowest of a hundred answers is not the slowest
// of all; then it tells their times in milliseconds, in order. In a thread of its own, since the one that makes the load keeps its own
// answers waiting.
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const times: number[] = [];
let isStopped = false;
parentPort?.once('message', () => {
  isStopped = true;
});
while (!isStopped) {
  const asked = performance.now();
  const response = await fetch(workerData);
  await response.arrayBuffer();
  times.push(response.ok ? performance.now() - asked : Number.POSITIVE_INFINITY);
  await delay(20);
}
parentPort?.postMessage(times.toSorted((a, b) => a - b));
