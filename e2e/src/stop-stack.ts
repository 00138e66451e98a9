import { removeFolder, type Stack } from '@shop/testing/stack.ts';

/** After the end-to-end tests. */
export default async function stop(): Promise<void> {
  const { e2eStack } = globalThis as { e2eStack?: Stack };
  if (!e2eStack) return;
  await e2eStack.stop();
  await removeFolder(e2eStack.folder);
}
