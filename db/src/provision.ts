import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Environment, readSettings } from '@shop/service-kit/config.ts';
import { type Account, grantAccounts } from './accounts.ts';
import { startEmbedded } from './embedded.ts';
import { migrate } from './migrate.ts';
import { isEmpty, seed } from './seed.ts';
import { NoDatabaseError } from './server-program.ts';
import { type DatabaseSettings, databaseSettingsShape, ownerSettings } from './settings.ts';

/** A database that the programs of this checkout can use, whoever runs it. */
export interface ProvidedDatabase {
  owner: DatabaseSettings;
  /** The services' own accounts; absent where they connect as the owner. */
  accounts: { catalog: Account; tagging: Account } | undefined;
  /** What it is, for people. */
  description: string;
  /** Stops it if this process started it. */
  release(): Promise<void>;
}

/** What a running embedded server leaves for the other commands of the same checkout. */
interface ConnectionFile {
  /** The process that started the server and will stop it. */
  ownerPid: number;
  serverPid: number;
  description: string;
  owner: DatabaseSettings;
  accounts: { catalog: Account; tagging: Account };
}

/** Where the embedded server keeps everything: `DATA_DIR`, else `.data` at the root of the checkout. */
export const dataFolder = (env: Environment): string =>
  path.resolve(env.DATA_DIR || path.join(import.meta.dirname, '../../.data'));

/**
 * The database that the settings name, if `DB_HOST` is set; else the embedded one: the running one of this checkout, or a
 * new server on the data of the last.
 * @param exclusive refuses an embedded server that another process of this checkout has started and looks after
 * @throws {ConfigError} in one line when there is none to be had
 */
export async function provideDatabase(
  env: Environment,
  { exclusive = false, say = () => {} }: { exclusive?: boolean; say?: (line: string) => void } = {},
): Promise<ProvidedDatabase> {
  if (env.DB_HOST) {
    const owner = ownerSettings('The database', env);
    const accounts =
      env.CATALOG_DB_USER && env.TAGGING_DB_USER
        ? {
            catalog: { user: env.CATALOG_DB_USER, password: env.CATALOG_DB_PASSWORD ?? '' },
            tagging: { user: env.TAGGING_DB_USER, password: env.TAGGING_DB_PASSWORD ?? '' },
          }
        : undefined;
    return {
      owner,
      accounts,
      description: `${owner.database} on ${owner.host}:${owner.port} (from DB_HOST)`,
      release: async () => {},
    };
  }

  if (env.DB_USER) say('DB_USER is set, but DB_HOST is not: this is the embedded database, with accounts of its own.');
  const folder = dataFolder(env);
  const file = path.join(folder, 'connection.json');
  const running = await readConnection(file);
  if (running && isAlive(running.serverPid)) {
    if (isAlive(running.ownerPid)) {
      if (exclusive) {
        throw new NoDatabaseError(
          `This checkout is running already (process ${running.ownerPid}); stop that one first.`,
        );
      }
      return { ...running, release: async () => {} };
    }
    say('Stopping the database server that an earlier run left behind.');
    process.kill(running.serverPid, 'SIGTERM');
    while (isAlive(running.serverPid)) await delay(100);
  }

  const { DB_NAME, DB_POOL_MAX } = databaseSettingsShape;
  const { DB_NAME: database, DB_POOL_MAX: poolMax } = readSettings('The database', { DB_NAME, DB_POOL_MAX }, env);
  const server = await startEmbedded({ folder, database, poolMax, say });
  const newAccount = (user: string): Account => ({ user, password: randomBytes(18).toString('base64url') });
  const connection: ConnectionFile = {
    ownerPid: process.pid,
    serverPid: server.pid,
    description: `embedded ${server.program}, data in ${path.relative(process.cwd(), folder) || '.'}`,
    owner: server.owner,
    accounts: { catalog: newAccount('shop_catalog'), tagging: newAccount('shop_tagging') },
  };
  await writeFile(file, JSON.stringify(connection), { mode: 0o600 });
  return {
    ...connection,
    release: async () => {
      await server.stop();
      await rm(file, { force: true });
    },
  };
}

/**
 * Brings a provided database to this release: created, migrated, rights granted, and seeded when it is empty.
 */
export async function prepareDatabase({
  owner,
  accounts,
}: ProvidedDatabase): Promise<{ migrations: string[]; seeded: boolean }> {
  const migrations = await migrate(owner);
  if (accounts) await grantAccounts(owner, accounts);
  const seeded = await isEmpty(owner);
  if (seeded) await seed(owner);
  return { migrations, seeded };
}

/** The environment by which a service finds a provided database. */
export function databaseEnvironment({
  owner,
  accounts,
}: Pick<ProvidedDatabase, 'owner' | 'accounts'>): Record<string, string> {
  return {
    DB_HOST: owner.host,
    DB_PORT: String(owner.port),
    DB_NAME: owner.database,
    DB_USER: owner.user,
    DB_PASSWORD: owner.password,
    DB_SSL_CA: owner.sslCa ?? '',
    ...(accounts
      ? {
          CATALOG_DB_USER: accounts.catalog.user,
          CATALOG_DB_PASSWORD: accounts.catalog.password,
          TAGGING_DB_USER: accounts.tagging.user,
          TAGGING_DB_PASSWORD: accounts.tagging.password,
        }
      : {}),
  };
}

async function readConnection(file: string): Promise<ConnectionFile | undefined> {
  return existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ConnectionFile) : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process cannot be signalled, but is alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
