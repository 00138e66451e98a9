import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { descendantsOf } from '@shop/tools/process-list.ts';

let folder: string;
let stack: Stack;
beforeEach(async () => {
  folder = await temporaryFolder();
  // Its own server, whatever the other tests use.
  stack = await startStack(folder, { DB_HOST: '' });
});
afterEach(async () => {
  await stack.stop();
  await removeFolder(folder);
});

/** Kills the stack's database server, as a machine that is out of memory does. */
async function killDatabase(): Promise<void> {
  const processes = await descendantsOf(stack.process.pid as number);
  const server = processes.find(({ command }) => command.includes('--socket=server.sock'));
  process.kill(server?.pid as number, 'SIGKILL');
}

/** Creates tags one after the other until it is told to end; resolves to the ids of those that were acknowledged. */
async function createTags(writer: string, ended: () => boolean): Promise<number[]> {
  const ids: number[] = [];
  for (let round = 1; !ended(); round++) {
    const body = { tag_name: `kill ${writer}.${round}` };
    const created = await request(`${stack.gateway}/api/tags`, { method: 'POST', body });
    if (created.status === 201) ids.push(created.body.id);
    else await delay(20);
  }
  return ids;
}

const isHealthy = async () => (await request(`${stack.gateway}/health`)).status === 200;

describe('the embedded database', () => {
  test('When it is killed twice under writers, then it is back within ten seconds each time, nothing acknowledged is lost, and the screen says so', async () => {
    let ended = false;
    const writing = Promise.all(['a', 'b', 'c'].map((writer) => createTags(writer, () => ended)));
    const seconds: number[] = [];

    for (let time = 0; time < 2; time++) {
      await delay(300);
      await killDatabase();
      const killed = performance.now();
      const { status } = await request(`${stack.gateway}/api/tags/1`);
      expect([200, 503]).toContain(status);
      do await delay(50);
      while (!(await isHealthy()));
      seconds.push((performance.now() - killed) / 1000);
    }
    ended = true;
    const ids = (await writing).flat();

    expect(Math.max(...seconds)).toBeLessThan(10);
    expect(ids.length).toBeGreaterThan(10);
    for (const id of ids) expect([id, (await request(`${stack.gateway}/api/tags/${id}`)).status]).toEqual([id, 200]);
    expect(
      stack.output().match(/The database server ended \(SIGKILL\): starting it again on its data\./g),
    ).toHaveLength(2);
    expect(stack.output().match(/The database server runs again \(after \d+\.\d s\)/g)).toHaveLength(2);
  });

  test('When a run was killed and left its server and no word of it, then the next start stops that and has its data', async () => {
    const { body: tag } = await request(`${stack.gateway}/api/tags`, { method: 'POST', body: { tag_name: 'left' } });
    const orphans = await descendantsOf(stack.process.pid as number);
    stack.process.kill('SIGKILL');
    await once(stack.process, 'exit');
    for (const { pid, command } of orphans) if (command.includes('server.ts')) process.kill(pid, 'SIGKILL');
    await rm(path.join(folder, 'connection.json'));

    stack = await startStack(folder, { DB_HOST: '' });

    expect(stack.output()).toContain('Stopping the database server that an earlier run left behind.');
    expect((await request(`${stack.gateway}/api/tags/${tag.id}`)).status).toBe(200);
  });
});
