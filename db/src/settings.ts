import { accessSync, constants } from 'node:fs';
import { type Environment, integerSetting, readSettings } from '@shop/service-kit/config.ts';
import * as z from 'zod';

/** How to reach one database as one account. */
export interface DatabaseSettings {
  host: string;
  port: number;
  database: string;
  user: string;
  password: string;
  /** At most this many connections. */
  poolMax: number;
  /** A file of the certificates (PEM) that the server's has to lead to. Absent: the connection is not encrypted. */
  sslCa?: string;
}

/** The two accounts beside the owner's: each may do what its service owns (`db/grants.sql`). */
export type ServiceAccount = 'catalog' | 'tagging';

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

/** Text that fits on a line: what else is in a name or password has come there by mistake, such as the end of a line. */
const oneLine = /^\P{Cc}*$/u;
const password = z.string().regex(oneLine).default('').describe('one line without control characters');

/** Every setting of the database, as `.env.example` describes them. */
export const databaseSettingsShape = {
  DB_HOST: z.string().describe('the host of the MySQL server'),
  DB_PORT: integerSetting(1, 65_535).default(3306),
  DB_NAME: z
    .string()
    .regex(/^[\w$-]{1,64}$/)
    .default('shop')
    .describe('a database name of letters, digits, _, $ and -'),
  DB_USER: z.string().max(80).regex(oneLine).describe('a MySQL user name'),
  DB_PASSWORD: password,
  // Two: a write in steps holds one connection while its steps use another.
  DB_POOL_MAX: integerSetting(2, 1000).default(10),
  DB_QUEUE_MAX: integerSetting(0, 100_000).default(100),
  DB_EXPENSIVE_MAX: integerSetting(1, 1000).optional(),
  DB_SSL_CA: z.string().refine(isReadable).optional().describe('a file of PEM certificates that can be read'),
  CATALOG_DB_USER: z
    .string()
    .regex(/^[\w.-]{1,32}$/)
    .optional()
    .describe('a MySQL user name'),
  CATALOG_DB_PASSWORD: password,
  TAGGING_DB_USER: z
    .string()
    .regex(/^[\w.-]{1,32}$/)
    .optional()
    .describe('a MySQL user name'),
  TAGGING_DB_PASSWORD: password,
};

/**
 * The owner's settings: for migrations and seeds, and for a service that has no account of its own.
 * @throws {ConfigError}
 */
export function ownerSettings(who: string, env: Environment): DatabaseSettings {
  const settings = readSettings(who, databaseSettingsShape, env);
  return {
    host: settings.DB_HOST,
    port: settings.DB_PORT,
    database: settings.DB_NAME,
    user: settings.DB_USER,
    password: settings.DB_PASSWORD,
    poolMax: settings.DB_POOL_MAX,
    ...(settings.DB_SSL_CA === undefined ? {} : { sslCa: settings.DB_SSL_CA }),
  };
}

/** The settings of a service. */
export interface ServiceDatabaseSettings extends DatabaseSettings {
  /** Whether it connects as the owner, and so may migrate. */
  ownsSchema: boolean;
  /** How many may wait for a connection. */
  queueMax: number;
  /** How many expensive reads run at a time. */
  expensiveMax: number | undefined;
}

/**
 * The settings of a service: its own account if one is set (`CATALOG_DB_USER`), else the owner's.
 * @throws {ConfigError}
 */
export function serviceSettings(who: string, account: ServiceAccount, env: Environment): ServiceDatabaseSettings {
  const prefix = account === 'catalog' ? 'CATALOG' : 'TAGGING';
  const user = env[`${prefix}_DB_USER`];
  const own = user ? { ...env, DB_USER: user, DB_PASSWORD: env[`${prefix}_DB_PASSWORD`] } : env;
  const { DB_QUEUE_MAX: queueMax, DB_EXPENSIVE_MAX: expensiveMax } = readSettings(who, databaseSettingsShape, own);
  return { ...ownerSettings(who, own), queueMax, expensiveMax, ownsSchema: !user };
}
