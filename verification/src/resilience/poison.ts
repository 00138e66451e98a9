import { setTimeout as delay } from 'node:timers/promises';
import { request } from '@shop/testing/http.ts';
import type { ProcessSystem } from './process-system.ts';
import type { MakeFault } from './system.ts';

const marker = 'product_name=poison';

/** A request that ends catalog-service whenever it gets there. It is sent until that has happened twice. */
export const poisonousRequest: MakeFault<ProcessSystem> = async ({ urls, proxies: { catalog }, pidOf }) => {
  let ends = 0;
  let isOver = false;
  const isWell = (url: string) =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
  const until = async (url: string) => {
    while (!(await isWell(url))) await delay(50);
  };
  const kill = async (): Promise<void> => {
    for (;;) {
      await catalog.stopAt(marker);
      if (isOver) return;
      const pid = await pidOf('catalog-service');
      if (pid !== 0) process.kill(pid, 'SIGKILL');
      ends += 1;
      // Where nothing runs, nothing listens.
      await catalog.become({ kind: 'refuse' });
      catalog.reset();
      await until(`${urls['catalog-service']}/health/ready`);
      await catalog.become({ kind: 'pass' });
    }
  };
  void kill();
  const send = () => request(`${urls.gateway}/api/products?${marker}`);
  const untilBack = async (path: string) => {
    // One that has not ended yet would do as well.
    await delay(500);
    await until(`${urls.gateway}${path}`);
  };

  const answers = [await send()];
  await untilBack('/api/products?_limit=1');
  answers.push(await send(), await send());
  const faults = answers.filter(({ status }) => status !== 503).map(({ status }) => `it is ${status}`);
  if (ends !== 2) faults.push(`it has ended ${ends} services`);
  const last = answers.at(-1);
  if (!/failed while handling this request/.test(last?.body.detail)) faults.push(`then it is ${last?.text}`);
  await untilBack('/api/products?_limit=2');
  return {
    also: async () => {
      await Promise.all([send(), send(), send(), send()]);
      return ends > 3 ? [...faults, `of four at once, ${ends - 2} were passed on`] : faults;
    },
    end: async () => {
      isOver = true;
      await until(`${urls['catalog-service']}/health/ready`);
      await catalog.become({ kind: 'pass' });
    },
  };
};
