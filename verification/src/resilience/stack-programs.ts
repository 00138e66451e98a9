import { readFile } from 'node:fs/promises';
import type { Stack } from '@shop/testing/stack.ts';
import { descendantsOf } from '@shop/tools/process-list.ts';
import type { Program } from './row.ts';

const names: Program[] = ['gateway', 'catalog-service', 'tagging-service'];

/** The process of each program of a stack; 0 for one that does not run at the moment. */
export async function programsOf(stack: Stack): Promise<Record<Program, number>> {
  const processes = await descendantsOf(stack.process.pid as number);
  const pidOf = (name: Program) => processes.find(({ command }) => command.endsWith(`${name}/src/server.ts`))?.pid ?? 0;
  return Object.fromEntries(names.map((name) => [name, pidOf(name)])) as Record<Program, number>;
}

/** The most resident bytes that each program of a stack has had since its start. */
export async function peakMemoryOf(stack: Stack): Promise<Record<Program, number>> {
  const entries = Object.entries(await programsOf(stack)).map(async ([name, pid]) => [name, await peakBytes(pid)]);
  return Object.fromEntries(await Promise.all(entries));
}

/** The most resident bytes that a process has had: from /proc, where there is one; else 0, and nothing is known. */
async function peakBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
}
