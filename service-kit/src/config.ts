import path from 'node:path';
import { config as dotenv } from 'dotenv';
import * as z from 'zod';
import { badPorts } from './bad-ports.ts';

/** The environment variables as they stand: names to text. */
export type Environment = Record<string, string | undefined>;

/** A setting that stops the start: its message is one readable line. */
export class ConfigError extends Error {
  override name = 'ConfigError';
}

/** A whole number from `minimum` to `maximum`, read from text. */
export const integerSetting = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= minimum && value <= maximum)
    .describe(`a whole number from ${minimum} to ${maximum}`);

export const booleanSetting = z.stringbool({ truthy: ['true'], falsy: ['false'] }).describe('true or false');

/** A port that HTTP is spoken at. Probes ask there by `fetch`. */
export const portSetting = (fallback: number) =>
  integerSetting(0, 65_535)
    .refine((port) => !badPorts.has(port), { params: { expected: 'one that fetch does not block' } })
    .default(fallback);

export const urlSetting = z.url({ protocol: /^https?$/ }).describe('an http or https URL');

/** Whether a service can be asked there: by a host and port, whose own paths come behind them, and by `fetch`. */
const isServiceUrl = (url: URL): boolean => url.href === `${url.origin}/` && !badPorts.has(Number(url.port));

/** One or more URLs of services with a comma between them, all http or all https. */
export const urlsSetting = z
  .string()
  .transform((text) => text.split(',').map((url) => url.trim()))
  .pipe(z.array(urlSetting))
  .transform((urls) => urls.map((url) => new URL(url)))
  .refine((urls) => urls.every(isServiceUrl) && new Set(urls.map(({ protocol }) => protocol)).size === 1)
  .describe('an http or https URL of a host and port alone, or several with commas between them');

/** Milliseconds that a request may take. */
export const requestTimeoutSetting = integerSetting(100, 600_000).default(10_000);

/** What every service has in common. */
export const baseSettings = {
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('one of fatal, error, warn, info, debug, trace, silent'),
  SHUTDOWN_DELAY_MS: integerSetting(0, 5_000).default(0),
  BIND_HOST: z.string().default('127.0.0.1').describe('an address to listen on'),
};

/**
 * Reads `.env` at the root of the checkout into the process's environment, where the environment itself wins. Call it
 * first in a program, never in a library. `ENV_FILE` names another file; set to nothing, no file is read.
 * @throws {ConfigError} for a file that cannot be read, unless it is a `.env` that is not there: to start without the settings
 * that somebody has made could be to start without keys
 */
export function loadEnvironmentFile(
  env: Environment = process.env,
  root = path.join(import.meta.dirname, '../..'),
): Environment {
  const named = env.ENV_FILE;
  if (named === '') return env;
  const file = named ?? path.join(root, '.env');
  const { error } = dotenv({ path: file, quiet: true, processEnv: env as Record<string, string> });
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (error && (named !== undefined || code !== 'ENOENT')) {
    const what = named === undefined ? 'the settings' : 'the settings of ENV_FILE';
    throw new ConfigError(`${what} cannot be read: ${file} (${code ?? error.message})`);
  }
  return env;
}

/**
 * A URL as it may be shown: without a name and password. Of what is meant to be one, or several, and is not well-formed, all that
 * could be a password is left out.
 */
export const shownUrl = (url: string): string => url.replace(/^([a-z][a-z\d+.-]*:\/\/)?.*@/is, '$1…@');

/**
 * The settings that `shape` describes, taken from `env`. A variable that is set to nothing counts as not set.
 * @throws {ConfigError} naming every bad or missing variable in one line
 */
export function readSettings<S extends z.ZodRawShape>(
  who: string,
  shape: S,
  env: Environment,
): z.output<z.ZodObject<S>> {
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in shape && value !== ''));
  const parsed = z.object(shape).safeParse(given);
  if (parsed.success) return parsed.data;
  const issues = new Map(parsed.error.issues.map((issue) => [String(issue.path[0]), issue]));
  const faults = Array.from(issues, ([name, issue]) => {
    const expected = (issue.code === 'custom' && issue.params?.expected) || descriptionOf(shape[name]);
    return given[name] === undefined
      ? `${name} is missing${expected ? ` (${expected})` : ''}`
      : `${name} must be ${expected ?? 'valid'}, got ${JSON.stringify(/PASSWORD|SECRET|KEY|REDIS/.test(name) ? '…' : shownUrl(String(given[name])))}`;
  });
  throw new ConfigError(`${who} cannot start: ${faults.join('; ')}`);
}

/** A description that was given to a schema before it was wrapped (default, optional). */
function descriptionOf(schema: unknown): string | undefined {
  const { description, def } = schema as { description?: string; def?: { innerType?: unknown } };
  return description ?? (def?.innerType ? descriptionOf(def.innerType) : undefined);
}
