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
}

/** The two accounts beside the owner's: each may do what its service owns (`db/grants.sql`). */
export type ServiceAccount = 'catalog' | 'tagging';

/** Every setting of the database, as `.env.example` describes them. */
export const databaseSettingsShape = {
  DB_HOST: z.string().describe('the host of the MySQL server'),
  DB_PORT: integerSetting(1, 65_535).default(3306),
  DB_NAME: z
    .string()
    .regex(/^[\w$-]{1,64}$/)
    .default('shop')
    .describe('a database name of letters, digits, _, $ and -'),
  DB_USER: z.string().describe('a MySQL user name'),
  DB_PASSWORD: z.string().default(''),
  // Two: a write in steps holds one connection while its steps use another.
  DB_POOL_MAX: integerSetting(2, 1000).default(10),
  CATALOG_DB_USER: z
    .string()
    .regex(/^[\w.-]{1,32}$/)
    .optional()
    .describe('a MySQL user name'),
  CATALOG_DB_PASSWORD: z.string().default(''),
  TAGGING_DB_USER: z
    .string()
    .regex(/^[\w.-]{1,32}$/)
    .optional()
    .describe('a MySQL user name'),
  TAGGING_DB_PASSWORD: z.string().default(''),
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
  };
}

/**
 * The settings of a service: its own account if one is set (`CATALOG_DB_USER`), else the owner's.
 * `ownsSchema` says which: only the owner may migrate.
 * @throws {ConfigError}
 */
export function serviceSettings(
  who: string,
  account: ServiceAccount,
  env: Environment,
): DatabaseSettings & { ownsSchema: boolean } {
  const prefix = account === 'catalog' ? 'CATALOG' : 'TAGGING';
  const user = env[`${prefix}_DB_USER`];
  if (!user) return { ...ownerSettings(who, env), ownsSchema: true };
  const own = ownerSettings(who, { ...env, DB_USER: user, DB_PASSWORD: env[`${prefix}_DB_PASSWORD`] });
  return { ...own, ownsSchema: false };
}
