import { setTimeout as delay } from 'node:timers/promises';
import type { EmbeddedDatabase } from './embedded.ts';

/** A server that is started again when it ends. */
export interface SupervisedDatabase {
  /** The one that runs, or ran last. */
  current(): EmbeddedDatabase;
  /** Resolves, to the reason in one line, when the server is not started again any more. */
  givenUp: Promise<string>;
  /** Shuts the server down in order; it stays down. */
  stop(): Promise<void>;
}

/** What is tried within `window` milliseconds before it is given up, and how long each try but the first waits. */
const limits = { tries: 5, window: 60_000, wait: (tried: number) => (tried < 2 ? 0 : 250 * 2 ** tried) };

/**
 * Looks after a running server: when it ends, another one takes its place on the same data, at once the first time and later
 * and later when it ends again soon. InnoDB recovers all that was committed.
 * @param start starts the server that takes the place
 * @param options.started is told of each that did
 */
export function supervise(
  first: EmbeddedDatabase,
  start: () => Promise<EmbeddedDatabase>,
  {
    say,
    started = async () => {},
    sleep = delay,
  }: { say(line: string): void; started?(server: EmbeddedDatabase): Promise<void>; sleep?(ms: number): Promise<void> },
): SupervisedDatabase {
  let server = first;
  let stopping = false;
  const tries: number[] = [];

  /** Starts it again; true when it runs. */
  async function restart(how: string): Promise<boolean> {
    const began = performance.now();
    const tried = tries.filter((time) => began - time < limits.window).length;
    tries.push(began);
    say(`The database server ended (${how}): starting it again on its data.`);
    await sleep(limits.wait(tried));
    if (stopping) return false;
    try {
      server = await start();
    } catch (error) {
      say((error as Error).message);
      return false;
    }
    await started(server);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (!stopping) say(`The database server runs again (after ${seconds} s); what was acknowledged is there.`);
    return true;
  }

  async function watch(): Promise<string | undefined> {
    while (!stopping) {
      const how = await server.ended;
      while (!stopping) {
        const recent = tries.filter((time) => performance.now() - time < limits.window).length;
        if (recent >= limits.tries) {
          return `The database server ended again and again (the last time: ${how}) and is not started any more; its log is in the data folder.`;
        }
        if (await restart(how)) break;
      }
    }
    return undefined;
  }

  const watching = watch();
  return {
    current: () => server,
    givenUp: watching.then((reason) => reason ?? new Promise<never>(() => {})),
    stop: async () => {
      stopping = true;
      await server.stop();
      // One that is just being started is known only when it runs.
      await watching;
      await server.stop();
    },
  };
}
