import { setTimeout as delay } from 'node:timers/promises';
import { type Docker, dockerOf } from '@shop/testing/docker.ts';
import type { Program } from './row.ts';
import type { System } from './system.ts';
import { timesDoneSql } from './times-done.ts';

const programNames: Program[] = ['gateway', 'catalog-service', 'tagging-service'];

/** The containers of a project of `docker compose`. */
export interface ComposeSystem extends System, Docker {
  /** Runs SQL as root, inside the database's container; rows are lines, values are parted by tabs. */
  sql(statement: string): Promise<string>;
  /** The ids of a service's containers. */
  containersOf(service: string): Promise<string[]>;
  /** Lets this many replicas of catalog-service run. */
  scale(replicas: number): Promise<void>;
  /** Waits until the database answers SQL. */
  untilDatabaseAnswers(): Promise<void>;
}

/**
 * The stack that `docker compose` runs.
 * @param urls where the gateway is, and where it passes on the services' health
 * @param env of every command: which project it is, and of which files
 */
export function composeSystem(urls: ComposeSystem['urls'], env: NodeJS.ProcessEnv = process.env): ComposeSystem {
  const { docker, compose } = dockerOf(env);
  const sql = (statement: string) =>
    compose(
      'exec',
      '-T',
      'mysql',
      'sh',
      '-c',
      'exec mysql --defaults-file=/var/run/mysqld/root.cnf --batch --skip-column-names --execute="$0" --database="$DB_NAME"',
      statement,
    );
  const containersOf = async (service: string) =>
    (await compose('ps', '--all', '--quiet', service)).split('\n').filter(Boolean);
  const containers = async (): Promise<[Program, string[]][]> =>
    Promise.all(programNames.map(async (name): Promise<[Program, string[]]> => [name, await containersOf(name)]));
  let replicas = 1;

  return {
    urls,
    requestTimeout: 10_000,
    docker,
    compose,
    sql,
    containersOf,
    scale: async (wanted) => {
      if (wanted === replicas) return;
      await compose('up', '--detach', '--wait', '--no-recreate', '--scale', `catalog-service=${wanted}`);
      replicas = wanted;
    },
    untilDatabaseAnswers: async () => {
      const answers = () =>
        sql('SELECT 1').then(
          () => true,
          () => false,
        );
      while (!(await answers())) await delay(100);
    },
    programs: async () => {
      const states = (await containers()).map(async ([name, ids]) => [
        name,
        await docker('inspect', '--format', '{{.Id}} {{.State.Pid}} {{.State.StartedAt}}', ...ids),
      ]);
      return Object.fromEntries(await Promise.all(states));
    },
    peakMemory: async () => {
      const used = (await containers()).map(async ([name, ids]) => {
        const statuses = ids.map((id) => docker('exec', id, 'sh', '-c', 'grep -hs VmHWM /proc/[0-9]*/status || true'));
        const kilobytes = (await Promise.all(statuses)).flatMap((text) => text.match(/\d+/g) ?? []);
        return [name, Math.max(0, ...kilobytes.map(Number)) * 1024];
      });
      return Object.fromEntries(await Promise.all(used));
    },
    connections: async () =>
      Number(
        await sql(
          "SELECT COALESCE(MAX(held), 0) FROM (SELECT COUNT(*) AS held FROM performance_schema.processlist WHERE user LIKE 'shop\\_%' GROUP BY user) accounts",
        ),
      ),
    timesDone: async (prefix) => {
      const lines = (await sql(timesDoneSql.replace('$1', `'${prefix}%'`))).split('\n').filter(Boolean);
      return new Map(lines.map((line) => line.split('\t')).map(([name, times]) => [String(name), Number(times)]));
    },
    brokenRules: () =>
      compose('run', '--rm', 'verify').then(
        () => [],
        (error: { stdout?: string }) =>
          String(error.stdout)
            .split('\n')
            .filter((line) => /^\s*[1-9]/.test(line)),
      ),
  };
}
