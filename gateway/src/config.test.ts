import { describe, expect, test } from '@jest/globals';
import { ConfigError } from '@shop/service-kit/config.ts';
import { gatewayConfig } from './config.ts';

describe('where the gateway listens without keys', () => {
  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('When that is %s, then it starts', (host) => {
    expect(gatewayConfig({ BIND_HOST: host }).host).toBe(host);
  });

  test.each(['0.0.0.0', '::', '192.168.1.7', 'shop.example'])('When that is %s, then it refuses to start', (host) => {
    expect(() => gatewayConfig({ BIND_HOST: host })).toThrow(/Set API_KEYS_FILE .* or ALLOW_OPEN=true/);
  });

  test.each([{ ALLOW_OPEN: 'true' }, { API_KEYS_FILE: 'keys/gateway' }, { PUBLISHED_ON: '127.0.0.1' }])(
    'When that is everywhere, and there is %j, then it starts',
    (settings) => {
      expect(gatewayConfig({ BIND_HOST: '0.0.0.0', ...settings }).host).toBe('0.0.0.0');
    },
  );

  test('When its container is published to others, then it refuses to start', () => {
    expect(() => gatewayConfig({ BIND_HOST: '0.0.0.0', PUBLISHED_ON: '0.0.0.0' })).toThrow(
      /public address 0\.0\.0\.0 without API keys/,
    );
  });
});

describe('default database passwords', () => {
  const published = { BIND_HOST: '0.0.0.0', ALLOW_OPEN: 'true', OWN_PASSWORDS: 'of: CATALOG_DB_PASSWORD' };

  test('When its container is published to others, then it refuses to start and names those to set', () => {
    expect(() => gatewayConfig({ ...published, PUBLISHED_ON: '192.0.2.1' })).toThrow(
      new ConfigError(
        'gateway cannot start: refusing to listen on the public address 192.0.2.1 with the default database passwords. Set DB_PASSWORD, TAGGING_DB_PASSWORD',
      ),
    );
  });

  test.each([
    { PUBLISHED_ON: '127.0.0.1' },
    { PUBLISHED_ON: '192.0.2.1', OWN_PASSWORDS: 'of: DB_PASSWORD CATALOG_DB_PASSWORD TAGGING_DB_PASSWORD' },
  ])('When there is %j, then it starts', (settings) => {
    expect(gatewayConfig({ ...published, ...settings }).reachedAt).toBe(settings.PUBLISHED_ON);
  });
});

describe('REDIS_URL', () => {
  test.each(['redis://127.0.0.1:6399/cache', 'redis://:p%ZZ@h', 'redis://h/-1', 'http://h'])(
    'When it is %s, then it is refused in one line that does not show it',
    (REDIS_URL) => {
      expect(() => gatewayConfig({ REDIS_URL })).toThrow(
        new ConfigError(
          'gateway cannot start: REDIS_URL must be a redis or rediss URL, whose path is the number of a database if it has one, got "…"',
        ),
      );
    },
  );

  test.each(['redis://h', 'rediss://h:1/', 'redis://shop:p%40@h:6379/15'])(
    'When it is %s, then it is taken',
    (REDIS_URL) => {
      expect(gatewayConfig({ REDIS_URL }).guard.redisUrl).toBe(REDIS_URL);
    },
  );
});
