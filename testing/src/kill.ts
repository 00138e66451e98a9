import { setTimeout as delay } from 'node:timers/promises';
import { descendantsOf } from '@shop/tools/process-list.ts';
import { patience } from './retry.ts';
import type { Stack } from './stack.ts';

/** The services of a stack that come back when they are killed. */
export type ServiceName = 'gateway' | 'catalog-service' | 'tagging-service';

/** Kills a service as a crash would, and waits until the stack has started it again and it is ready. */
export async function killService({ process: runner, ports }: Stack, name: ServiceName): Promise<void> {
  const processes = await descendantsOf(runner.pid as number);
  const service = processes.find(({ command }) => command.endsWith(`${name}/src/server.ts`));
  if (!service) throw new Error(`${name} does not run`);
  process.kill(service.pid, 'SIGKILL');
  const port = { gateway: ports.gateway, 'catalog-service': ports.catalog, 'tagging-service': ports.tagging }[name];
  const isReady = () =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
  const killed = performance.now();
  while (!(await isReady())) {
    if (performance.now() - killed > patience) throw new Error(`${name} did not come back within a minute`);
    await delay(100);
  }
}
