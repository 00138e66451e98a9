import { ask, WriteLog } from './ask.ts';
import type { ComposeSystem } from './compose-system.ts';
import type { Fault } from './matrix.ts';
import type { MakeFault } from './system.ts';

/** MiB that the disk has which `e2e/compose/small-disk.yml` gives to the database. */
const smallDisk = 512;

type Make = MakeFault<ComposeSystem>;

/** Two commands of `docker compose` for a service: what makes the fault, and what ends it. */
const commands =
  (service: string, begin: string, end: string): Make =>
  async (system) => {
    await system.compose(begin, service);
    return {
      end: async () => {
        await system.compose(end, service);
        if (service === 'mysql') await system.untilDatabaseAnswers();
      },
    };
  };

/** The same of `docker`, for one of a service's containers. */
const replicaCommands =
  (service: string, begin: string, end: string): Make =>
  async ({ docker, containersOf }) => {
    const [first] = await containersOf(service);
    await docker(begin, String(first));
    return { end: async () => void (await docker(end, String(first))) };
  };

/** A restart, while which others ask. */
const restart =
  (service: string): Make =>
  async ({ compose }) => {
    const restarted = compose('restart', service);
    return { end: async () => void (await restarted) };
  };

/** An end that nobody has asked for: Docker starts the container again by itself. */
const crash =
  (service: string): Make =>
  async ({ docker, containersOf }) => {
    const [first] = await containersOf(service);
    // Process 1 is Docker's init; the service is its only child.
    await docker('exec', String(first), 'sh', '-c', 'kill -9 $(cat /proc/1/task/1/children)');
    return { end: async () => {} };
  };

/** How each fault of the matrix is made where the stack is containers. */
export const composeFaults: Partial<Record<Fault, Make>> = {
  'database stalled': commands('mysql', 'pause', 'unpause'),
  'database killed': commands('mysql', 'kill', 'start'),
  'database stopped': commands('mysql', 'stop', 'start'),
  'service stalled': commands('catalog-service', 'pause', 'unpause'),
  'service killed': commands('catalog-service', 'kill', 'start'),
  'service crashed': crash('catalog-service'),
  'service restarted': restart('catalog-service'),
  'replica killed': replicaCommands('catalog-service', 'kill', 'start'),
  'replica stalled': replicaCommands('catalog-service', 'pause', 'unpause'),
  'gateway restarted': restart('gateway'),

  'database read-only': async ({ sql }) => {
    await sql('SET GLOBAL read_only = 1');
    return { end: async () => void (await sql('SET GLOBAL read_only = 0')) };
  },
  'database full': async ({ docker, containersOf, untilDatabaseAnswers, urls, requestTimeout }) => {
    const [mysql] = await containersOf('mysql');
    const mount = '{{range .Mounts}}{{if eq .Destination "/var/lib/mysql"}}{{.Name}}{{end}}{{end}}';
    const volume = await docker('inspect', '--format', mount, String(mysql));
    // One that stays: a tmpfs is empty when the last container has let go of it, and MySQL may end and come again.
    const holder = await docker(
      ...['run', '--detach', '--rm', '--volume', `${volume}:/data`, '--entrypoint', 'sleep', 'mysql:9.7', 'infinity'],
    );
    const inside = (command: string) => docker('exec', holder, 'sh', '-c', command);
    const size = Number((await inside('df --output=size --block-size=1M /data')).split('\n').at(-1));
    if (size > smallDisk) throw new Error(`the database is on a disk of ${size} MiB, which is not the tests' to fill`);
    await inside(`head -c ${smallDisk}M /dev/zero >/data/ballast || true`);
    const log = new WriteLog('full');
    const create = Array.from({ length: 1_000 }, () => ({
      product_name: log.nextName(),
      price: 1,
      description: 'x'.repeat(1_000),
    }));
    const batch = await ask(
      { method: 'POST', url: `${urls.gateway}/api/products/batch`, body: { create } },
      requestTimeout,
      log,
    );
    return {
      also: async () => (batch.outcome === '503 unavailable' ? [] : [`${batch.outcome} ${batch.problem}`]),
      end: async () => {
        await inside('rm /data/ballast');
        await untilDatabaseAnswers();
        await docker('rm', '--force', holder);
      },
    };
  },
};
