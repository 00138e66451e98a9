import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import {
  baseSettings,
  ConfigError,
  integerSetting,
  loadEnvironmentFile,
  portSetting,
  readSettings,
  urlsSetting,
} from './config.ts';

const shape = {
  ...baseSettings,
  PORT: portSetting(3002),
  WORKERS: integerSetting(1, 8),
  UPSTREAM: urlsSetting,
  ADMIN_PASSWORD: z.string().min(12).describe('a password of at least 12 characters'),
};
const good = { WORKERS: '4', UPSTREAM: 'http://127.0.0.1:3002', ADMIN_PASSWORD: 'correct horse battery' };

/** The message that settings are refused with. */
function refusal(env: Record<string, string | undefined>): string {
  try {
    readSettings('test-service', shape, env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).message;
  }
  throw new Error('the settings were accepted');
}

describe('readSettings', () => {
  test('When only what has no default is set, then the rest has its default', () => {
    expect(readSettings('test-service', shape, good)).toEqual({
      LOG_LEVEL: 'info',
      BIND_HOST: '127.0.0.1',
      SHUTDOWN_DELAY_MS: 0,
      PORT: 3002,
      WORKERS: 4,
      UPSTREAM: [new URL('http://127.0.0.1:3002')],
      ADMIN_PASSWORD: 'correct horse battery',
    });
  });

  test('When several are missing or bad, then one line names every one and what it must be', () => {
    const message = refusal({ ...good, WORKERS: '9', UPSTREAM: undefined, PORT: 'http', LOG_LEVEL: 'loud' });

    expect(message).toBe(
      'test-service cannot start: ' +
        'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, got "loud"; ' +
        'PORT must be a whole number from 0 to 65535, got "http"; ' +
        'WORKERS must be a whole number from 1 to 8, got "9"; ' +
        'UPSTREAM is missing (an http or https URL of a host and port alone, or several with commas between them)',
    );
  });

  test('When a variable is set to nothing, then it counts as not set', () => {
    expect(readSettings('test-service', shape, { ...good, PORT: '', LOG_LEVEL: '' })).toMatchObject({
      PORT: 3002,
      LOG_LEVEL: 'info',
    });
  });

  test('When a required variable is set to nothing, then it is missing', () => {
    expect(refusal({ ...good, WORKERS: '' })).toContain('WORKERS is missing');
  });

  test('When a password is bad, then its value is not shown', () => {
    const message = refusal({ ...good, ADMIN_PASSWORD: 'hunter2' });

    expect(message).toContain('ADMIN_PASSWORD must be a password of at least 12 characters');
    expect(message).not.toContain('hunter2');
  });

  test.each(['API_KEY', 'WEBHOOK_SECRET'])('When %s is bad, then its value is not shown', (name) => {
    expect(() => readSettings('test-service', { [name]: z.string().min(12) }, { [name]: 'hunter2' })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('hunter2') }),
    );
  });

  test.each([
    ['ftp://shop:hunter2@example.com/x', 'ftp://…@example.com/x'],
    ['shop:hunter2@example.com', '…@example.com'],
    ['http://a, htp://shop:hun@ter2@b', 'http://…@b'],
  ])('When the bad URL %s has a password, then it is not shown', (UPSTREAM, shown) => {
    const message = refusal({ ...good, UPSTREAM });

    expect(message).toContain(`got "${shown}"`);
    expect(message).not.toContain('ter2');
  });

  test.each(['-1', '65536', '1.5', '0x10', '1e3', ' 80', 'eighty'])(
    'When the port is %j, then it is refused',
    (PORT) => {
      expect(refusal({ ...good, PORT })).toContain(`PORT must be a whole number from 0 to 65535, got "${PORT}"`);
    },
  );

  test.each(['0', '65535'])('When the port is %s, then it is taken', (PORT) => {
    expect(readSettings('test-service', shape, { ...good, PORT }).PORT).toBe(Number(PORT));
  });

  test.each(['1', '6000', '10080'])('When fetch asks nobody at the port %s, then it is refused', (PORT) => {
    expect(refusal({ ...good, PORT })).toContain(`PORT must be one that fetch does not block, got "${PORT}"`);
  });

  test.each([
    'http://a/path',
    'http://a?',
    'http://a?x=1',
    'http://a#',
    'http://shop@a',
    'http://shop:hunter2@a',
    'http://a:6000',
    'http://a,http://b/path',
  ])('When the URL of a service is %s, then it is refused', (UPSTREAM) => {
    expect(refusal({ ...good, UPSTREAM })).toContain('UPSTREAM must be an http or https URL of a host and port alone');
  });

  test.each(['ftp://example.com', 'example.com', '/path', 'http://a,', 'http://a,https://b'])(
    'When the URL is %j, then it is refused',
    (UPSTREAM) => {
      expect(refusal({ ...good, UPSTREAM })).toContain('UPSTREAM must be an http or https URL');
    },
  );

  test('When a bad value has several lines, then the message is still one line', () => {
    expect(refusal({ ...good, WORKERS: 'two\nlines' })).not.toContain('\n');
  });

  test('When other variables are set, then they are left out', () => {
    expect(readSettings('test-service', shape, { ...good, HOME: '/root', PATH: '/bin' })).not.toHaveProperty('HOME');
  });
});

describe('loadEnvironmentFile', () => {
  test('When a file and the environment both set a variable, then the environment wins', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'shop-env-'));
    const file = path.join(folder, 'settings');
    await writeFile(file, 'WORKERS=2\nPORT=4000\n');

    const env = loadEnvironmentFile({ ENV_FILE: file, PORT: '5000' });

    await rm(folder, { recursive: true });
    expect(env).toMatchObject({ WORKERS: '2', PORT: '5000' });
  });

  test.each([
    ["'$HOME $(x) $$ #1 %s \\\\n \"`密码 '", '$HOME $(x) $$ #1 %s \\\\n "`密码 '],
    ['"it\'s #1, 100 % `密码` "', "it's #1, 100 % `密码` "],
    ["'-x=y;&|<>!'", '-x=y;&|<>!'],
  ])('When a value is quoted as .env.example says: %s, then it is taken as it is', async (quoted, value) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'shop-env-'));
    const file = path.join(folder, 'settings');
    await writeFile(file, `WORKERS=${quoted}\n`);

    const env = loadEnvironmentFile({ ENV_FILE: file });

    await rm(folder, { recursive: true });
    expect(env.WORKERS).toBe(value);
  });

  test('When the file is not there, then that is said in one line', () => {
    expect(() => loadEnvironmentFile({ ENV_FILE: '/nowhere/settings' })).toThrow(
      new ConfigError('the settings of ENV_FILE cannot be read: /nowhere/settings (ENOENT)'),
    );
  });

  test('When the file is a folder, then that is said in one line', () => {
    const file = import.meta.dirname;

    expect(() => loadEnvironmentFile({ ENV_FILE: file })).toThrow(
      new ConfigError(`the settings of ENV_FILE cannot be read: ${file} (EISDIR)`),
    );
  });

  describe('without ENV_FILE', () => {
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'shop-env-'));
    });
    afterEach(() => rm(folder, { recursive: true }));

    test('When there is no .env, then none is read', () => {
      expect(loadEnvironmentFile({}, folder)).toEqual({});
    });

    test('When there is one, then it is read', async () => {
      await writeFile(path.join(folder, '.env'), 'WORKERS=2');

      expect(loadEnvironmentFile({}, folder)).toEqual({ WORKERS: '2' });
    });

    test('When there is one that cannot be read, then that is said in one line', async () => {
      const file = path.join(folder, '.env');
      await mkdir(file);

      expect(() => loadEnvironmentFile({}, folder)).toThrow(
        new ConfigError(`the settings cannot be read: ${file} (EISDIR)`),
      );
    });
  });

  test('When the file is named as nothing, then none is read', () => {
    expect(loadEnvironmentFile({ ENV_FILE: '' })).toEqual({ ENV_FILE: '' });
  });
});
