import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Account, grantAccounts } from '@shop/db/accounts.ts';
import { migrate } from '@shop/db/migrate.ts';
import { restoreIndexes } from '@shop/db/schema/repair.ts';
import { type DatabaseSettings, databaseSettingsShape, ownerSettings } from '@shop/db/settings.ts';
import { type Environment, readSettings } from '@shop/service-kit/config.ts';
import { type EmbeddedDatabase, startEmbedded } from './embedded.ts';
import { isEmpty, seed } from './seed.ts';
import { NoDatabaseError } from './server-program.ts';
import { supervise } from './supervisor.ts';

/** A database that the programs of this checkout can use, whoever runs it. */
export interface ProvidedDatabase {
  owner: DatabaseSettings;
  /** The services' own accounts; absent where they connect as the owner. */
  accounts: { catalog: Account; tagging: Account } | undefined;
  /** What it is, for people. */
  description: string;
  /** Resolves, to the reason in one line, when a server that this process looks after has ended for good. */
  lost?: Promise<string>;
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
 * @param exclusive looks after an embedded server for as long as this process runs, and refuses one that another process of this
 * checkout looks after
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
  const running = await runningServer(file);
  if (running) {
    if (exclusive) {
      throw new NoDatabaseError(`This checkout is running already (process ${running.ownerPid}); stop that one first.`);
    }
    return { ...running, release: async () => {} };
  }

  const { DB_NAME, DB_POOL_MAX } = databaseSettingsShape;
  const { DB_NAME: database, DB_POOL_MAX: poolMax } = readSettings('The database', { DB_NAME, DB_POOL_MAX }, env);
  const options = { folder, database, poolMax, say };
  const server = await startEmbedded(options);
  const newAccount = (user: string): Account => ({ user, password: randomBytes(18).toString('base64url') });
  const connection: ConnectionFile = {
    ownerPid: process.pid,
    serverPid: server.pid,
    description: `embedded ${server.program}, data in ${path.relative(process.cwd(), folder) || '.'}`,
    owner: server.owner,
    accounts: { catalog: newAccount('shop_catalog'), tagging: newAccount('shop_tagging') },
  };
  const publish = async ({ pid }: EmbeddedDatabase) => {
    // Aside first: others read it at any time.
    await writeFile(`${file}.new`, JSON.stringify({ ...connection, serverPid: pid }), { mode: 0o600 });
    await rename(`${file}.new`, file);
  };
  await publish(server);
  // A command is over before it would have to be helped; `npm start` goes on for as long as somebody wants.
  const supervised = exclusive
    ? supervise(server, () => startEmbedded({ ...options, replaces: server.owner }), { say, started: publish })
    : undefined;
  return {
    ...connection,
    ...(supervised ? { lost: supervised.givenUp } : {}),
    release: async () => {
      await (supervised ?? server).stop();
      await rm(file, { force: true });
    },
  };
}

/**
 * Brings a provided database to this release: created, migrated, lost indexes made anew, rights granted, and seeded when it is
 * empty.
 */
export async function prepareDatabase(
  { owner, accounts }: ProvidedDatabase,
  say: (line: string) => void = () => {},
): Promise<{ migrations: string[]; seeded: boolean }> {
  const migrations = await migrate(owner);
  await restoreIndexes(owner, (what) => say(`The ${what}: rebuilding it, which takes a while for many rows.`));
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

/** Milliseconds within which whoever looks after a server starts it again. */
const restartTimeout = 15_000;

/** The embedded server that another process of this checkout has started and looks after. */
async function runningServer(file: string): Promise<ConnectionFile | undefined> {
  for (let waited = 0; waited <= restartTimeout; waited += 100) {
    const found = existsSync(file) ? (JSON.parse(await readFile(file, 'utf8')) as ConnectionFile) : undefined;
    if (!found || !isAlive(found.ownerPid)) return undefined;
    if (isAlive(found.serverPid)) return found;
    await delay(100);
  }
  return undefined;
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
