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

/** How each fault of the matrix is made where the stack is containers. */
export const composeFaults: Partial<Record<Fault, Make>> = {
  'database stalled': commands('mysql', 'pause', 'unpause'),
  'database killed': commands('mysql', 'kill', 'start'),
  'database stopped': commands('mysql', 'stop', 'start'),
  'service stalled': commands('catalog-service', 'pause', 'unpause'),
  'service killed': commands('catalog-service', 'kill', 'start'),
  'service restarted': restart('catalog-service'),
  'replica killed': replicaCommands('catalog-service', 'kill', 'start'),
  'replica stalled': replicaCommands('catalog-service', 'pause', 'unpause'),
  'gateway restarted': restart('gateway'),

  'database read-only': async ({ sql }) => {
    await sql('SET GLOBAL read_only = 1');
    return { end: async () => void (await sql('SET GLOBAL read_only = 0')) };
  },
  'database full': async ({ compose }) => {
    const inside = (command: string) => compose('exec', '-T', 'mysql', 'sh', '-c', command);
    const size = Number((await inside('df --output=size --block-size=1M /var/lib/mysql')).split('\n').at(-1));
    if (size > smallDisk) throw new Error(`the database is on a disk of ${size} MiB, which is not the tests' to fill`);
    await inside(`head -c ${smallDisk}M /dev/zero >/var/lib/mysql/ballast || true`);
    return { end: async () => void (await inside('rm /var/lib/mysql/ballast')) };
  },
};
