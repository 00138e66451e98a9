import { readFile } from 'node:fs/promises';

/** Ticks of a CPU clock in a second, as /proc counts them on Linux. */
const ticksPerSecond = 100;

/** Seconds of CPU (user and system) that each of some processes has used so far, children not included. Linux only. */
export async function cpuSeconds(pids: number[]): Promise<number[]> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8')));
  return stats.map((stat) => {
    // Behind the program's name in parentheses: the 12th and 13th of these are utime and stime.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  });
}
