import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { dockerOf } from '@shop/testing/docker.ts';
import { request } from '@shop/testing/http.ts';
import { createProducts, type LoadedProducts, startLoad } from '@shop/testing/steady-load.ts';

const gateway = String(process.env.E2E_BASE_URL);

/** Requests that a rolling restart has to be under, so that a lost one shows. */
const manyRequests = 20_000;

/** Milliseconds that it takes in the end, however busy the machine. */
const patience = 1_800_000;

const { docker, compose } = dockerOf();
const scale = (count: number) =>
  compose('up', '--detach', '--no-deps', '--no-recreate', '--scale', `catalog-service=${count}`, 'catalog-service');

/** Waits until a container is healthy. */
async function healthy(id: string): Promise<void> {
  while ((await docker('inspect', '--format', '{{.State.Health.Status}}', id)) !== 'healthy') await delay(200);
}

let replicas: string[];
let products: LoadedProducts;
beforeAll(async () => {
  await scale(2);
  replicas = (await compose('ps', '--quiet', 'catalog-service')).split('\n');
  await Promise.all(replicas.map(healthy));
  products = await createProducts(gateway, 8);
}, patience);
afterAll(async () => {
  await products.remove();
  await scale(1);
}, patience);

/** A test that has run out of time does not go on beside the next one. */
let isOver = false;
afterEach(() => {
  isOver = true;
});

test(
  'When both replicas are restarted in turn under 20,000 requests, then none of them fails, and each restart ends with exit code 0',
  async () => {
    const before = await products.stock();
    const load = startLoad(gateway, { products, clients: 16, pause: 0, keyed: false });
    const codes: string[] = [];
    while (!isOver && (load.report.sent < manyRequests || codes.length < 4)) {
      for (const id of replicas) {
        await docker('stop', id);
        codes.push(await docker('inspect', '--format', '{{.State.ExitCode}}', id));
        await docker('start', id);
        await healthy(id);
      }
    }
    const { sent, failures, added } = await load.stop();

    expect(failures).toEqual([]);
    expect(new Set(codes)).toEqual(new Set(['0']));
    expect(sent).toBeGreaterThanOrEqual(manyRequests);
    expect(await products.stock()).toBe(before + added);
  },
  patience,
);

test(
  'When a replica is killed under load, then no read fails, and no write that has a key; none is done twice',
  async () => {
    const before = await products.stock();
    const load = startLoad(gateway, { products, clients: 16, pause: 0, keyed: true });
    for (const id of replicas) {
      await delay(1_000);
      await docker('kill', '--signal', 'KILL', id);
      await delay(1_000);
      await docker('start', id);
      await healthy(id);
    }
    const { failures, added } = await load.stop();

    expect(failures).toEqual([]);
    expect(await products.stock()).toBe(before + added);
  },
  patience,
);

test(
  'When a replica is paused, then the other one answers what comes; when it goes on, both do',
  async () => {
    const [id] = replicas as [string];
    await docker('pause', id);
    // It takes the gateway this long at the most to notice.
    await delay(2_500);
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(gateway + products.paths[0]))).finally(
      () => docker('unpause', id),
    );

    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
    await healthy(id);
  },
  patience,
);
