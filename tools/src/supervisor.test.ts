import { describe, expect, test } from '@jest/globals';
import type { EmbeddedDatabase } from './embedded.ts';
import { supervise } from './supervisor.ts';

/** A server that a test ends, and all that was said of it and waited for. */
function servers() {
  const running: { end(how: string): void }[] = [];
  const said: string[] = [];
  const slept: number[] = [];
  const start = async (): Promise<EmbeddedDatabase> => {
    const { promise: ended, resolve: end } = Promise.withResolvers<string>();
    running.push({ end });
    return { pid: running.length, ended, stop: async () => end('SIGTERM') } as EmbeddedDatabase;
  };
  const sleep = async (milliseconds: number) => {
    slept.push(milliseconds);
  };
  return { running, said, slept, start, options: { say: (line: string) => said.push(line), sleep } };
}

const turns = async (count = 20) => {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
};

describe('supervise', () => {
  test('When the server ends, then another one is started at once, and both are said', async () => {
    const { running, said, slept, start, options } = servers();
    const supervised = supervise(await start(), start, options);

    running[0]?.end('SIGKILL');
    await turns();

    expect(supervised.current().pid).toBe(2);
    expect(slept).toEqual([0]);
    expect(said).toEqual([
      'The database server ended (SIGKILL): starting it again on its data.',
      expect.stringMatching(/^The database server runs again \(after \d+\.\d s\)/),
    ]);
    await supervised.stop();
  });

  test('When it ends again and again, then each start waits longer, and after five it is given up with the reason', async () => {
    const { running, slept, start, options } = servers();
    const supervised = supervise(await start(), start, options);

    for (let time = 0; time < 6; time++) {
      running.at(-1)?.end('exit code 1');
      await turns();
    }

    expect(await supervised.givenUp).toContain('ended again and again (the last time: exit code 1)');
    expect(slept).toEqual([0, 0, 1_000, 2_000, 4_000]);
    expect(running).toHaveLength(6);
  });

  test('When it cannot be started again, then that is said, and it is tried again', async () => {
    const { running, said, start, options } = servers();
    let fails = 2;
    const supervised = supervise(
      await start(),
      async () => {
        if (fails-- > 0) throw new Error('the port is in use');
        return start();
      },
      options,
    );

    running[0]?.end('SIGKILL');
    await turns();

    expect(said.filter((line) => line === 'the port is in use')).toHaveLength(2);
    expect(supervised.current().pid).toBe(2);
    await supervised.stop();
  });

  test('When it is stopped, then it is not started again; nor is one that was just being started', async () => {
    const { running, start, options } = servers();
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const supervised = supervise(
      await start(),
      async () => {
        await begun;
        return start();
      },
      options,
    );
    running[0]?.end('SIGKILL');
    await turns();

    const stopped = supervised.stop();
    begin();
    await stopped;

    expect(running).toHaveLength(2);
    expect(await supervised.current().ended).toBe('SIGTERM');
  });
});
