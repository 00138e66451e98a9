import { startStack, temporaryFolder } from '@shop/testing/stack.ts';

/** Before the end-to-end tests: the stack they talk to, unless `E2E_BASE_URL` names a gateway that runs already. */
export default async function start(): Promise<void> {
  if (process.env.E2E_BASE_URL) return;
  const stack = await startStack(await temporaryFolder());
  process.env.E2E_BASE_URL = stack.gateway;
  process.env.E2E_SERVICE_URL = `http://127.0.0.1:${stack.ports.tagging}`;
  Object.assign(globalThis, { e2eStack: stack });
}
