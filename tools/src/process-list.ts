import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A process of this machine. */
export interface ProcessEntry {
  pid: number;
  parent: number;
  command: string;
}

/** Every process of this machine; from /proc where there is one, since a bare Debian has no `ps`. */
export async function listProcesses(): Promise<ProcessEntry[]> {
  if (!existsSync('/proc/self/stat')) {
    const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,command=']);
    return stdout
      .trim()
      .split('\n')
      .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [])
      .map(([, pid, parent, command]) => ({ pid: Number(pid), parent: Number(parent), command: command ?? '' }));
  }
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const entries = await Promise.all(
    pids.map(async (pid) => {
      const [stat, command] = await Promise.all([
        readFile(`/proc/${pid}/stat`, 'utf8'),
        readFile(`/proc/${pid}/cmdline`, 'utf8'),
      ]).catch(() => ['', '']);
      // The second field is the program's name in parentheses, which may hold anything; the parent follows the state.
      const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1];
      return { pid: Number(pid), parent: Number(parent), command: command.replaceAll('\0', ' ').trim() };
    }),
  );
  return entries.filter(({ command }) => command !== '');
}

/** The processes that a process has started, and those that these have started. */
export async function descendantsOf(pid: number): Promise<ProcessEntry[]> {
  const all = await listProcesses();
  const below = (parent: number): ProcessEntry[] =>
    all.filter((entry) => entry.parent === parent).flatMap((entry) => [entry, ...below(entry.pid)]);
  return below(pid);
}
