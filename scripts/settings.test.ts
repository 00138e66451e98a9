import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ownerSettings } from '@shop/db/settings.ts';
import { ConfigError } from '@shop/service-kit/config.ts';
import { isolatedEnvironment, removeFolder, temporaryFolder } from '@shop/testing/stack.ts';
import { checkSettings } from './stack.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string) => readFile(path.join(root, file), 'utf8');

const names = [...(await read('.env.example')).matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => String(name));

/** What can be typed into a setting by mistake, or into a password on purpose. */
const awkward = [
  `it's`,
  'say "no"',
  'two words',
  '$HOME',
  '$(x)',
  '$$',
  '#1',
  '50%',
  'back\\slash',
  '-x',
  '密码 🛒',
  '`id`',
  '; DROP',
];

/** What is said of a setting that is refused; undefined where it is taken. */
async function refusal(env: NodeJS.ProcessEnv): Promise<unknown> {
  try {
    await checkSettings(env);
    ownerSettings('The database', env);
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('settings', () => {
  test('When docker-compose.yml takes a setting, then .env.example describes it', async () => {
    const example = await read('.env.example');
    const taken = [...(await read('docker-compose.yml')).matchAll(/\$\{([A-Z0-9_]+)/g)].map(([, name]) => String(name));

    // OpenTelemetry's own are described together, by the ends of their names.
    const described = (name: string) => example.includes(name.replace('OTEL_EXPORTER_OTLP_', ''));
    expect(new Set(taken).size).toBeGreaterThan(20);
    expect(taken.filter((name) => !described(name))).toEqual([]);
  });

  test.each(names)(
    'When %s has quotes, spaces, $, #, %% or Unicode, then it is taken, or refused in one line',
    async (name) => {
      const folder = await temporaryFolder();
      const env = { ...(await isolatedEnvironment(folder)), DB_HOST: '127.0.0.1', DB_USER: 'shop' };

      for (const value of awkward) {
        const error = await refusal({ ...env, [name]: value });
        if (error === undefined) continue;
        expect(error).toBeInstanceOf(ConfigError);
        expect((error as Error).message).not.toContain('\n');
      }
      await removeFolder(folder);
    },
  );

  test.each(['DB_PASSWORD', 'CATALOG_DB_PASSWORD', 'DB_USER'])(
    'When %s has the end of a line in it, then it is refused in one line that does not show a password',
    async (name) => {
      const folder = await temporaryFolder();
      const env = { ...(await isolatedEnvironment(folder)), DB_HOST: '127.0.0.1', DB_USER: 'shop', [name]: 'secret\n' };

      const error = (await refusal(env)) as Error;

      await removeFolder(folder);
      expect(error).toBeInstanceOf(ConfigError);
      expect(error.message).toMatch(new RegExp(`cannot start: ${name} must be`));
      expect(error.message).not.toMatch(name === 'DB_USER' ? /\n/ : /\n|secret/);
    },
  );

  test.each(awkward)('When a password is %s, then it is taken as it is', (password) => {
    const env = { DB_HOST: '127.0.0.1', DB_USER: 'shop', DB_PASSWORD: password };

    expect(ownerSettings('The database', env).password).toBe(password);
  });
});
