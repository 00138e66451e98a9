import { networkInterfaces } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Environment } from '@shop/service-kit/config.ts';
import { request } from '@shop/testing/http.ts';
import { isolatedEnvironment, removeFolder, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { checkSettings } from './stack.ts';

let folder: string;
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(() => removeFolder(folder));

describe('the stack', () => {
  test('When its key file cannot be used, then it is refused before anything is started', async () => {
    const settings = { ...(await isolatedEnvironment(folder)), API_KEYS_FILE: path.join(folder, 'nowhere') };

    await expect(checkSettings(settings)).rejects.toThrow(/^the key file .*nowhere cannot be read \(ENOENT\)$/);
  });

  test('When it is to listen where this machine is not, then it says so', async () => {
    const settings: Environment = {
      ...(await isolatedEnvironment(folder)),
      BIND_HOST: '192.0.2.1',
      ALLOW_OPEN: 'true',
    };

    await expect(checkSettings(settings)).rejects.toThrow(
      `gateway cannot start: it cannot listen on port ${settings.GATEWAY_PORT} of 192.0.2.1 (EADDRNOTAVAIL)`,
    );
  });

  test('When DB_HOST and DB_USER are set to nothing, then they count as not set', async () => {
    const settings: Environment = { ...(await isolatedEnvironment(folder)), DB_HOST: '', DB_USER: '' };

    expect((await checkSettings(settings)).gateway).toBe(`http://127.0.0.1:${settings.GATEWAY_PORT}`);
  });

  test.each([
    ['CATALOG_SERVICE_PORT', 'catalog-service'],
    ['TAGGING_OPERATIONS_PORT', 'gateway (TAGGING_OPERATIONS_PORT)'],
  ])('When %s is the port of the gateway, then it says so', async (setting, name) => {
    const env = await isolatedEnvironment(folder);
    const settings = { ...env, [setting]: env.GATEWAY_PORT };

    await expect(checkSettings(settings)).rejects.toThrow(
      `${name} cannot start: port ${env.GATEWAY_PORT} is that of gateway, too`,
    );
  });

  test('When its gateway listens on an IPv6 address, then its URL has that in brackets', async () => {
    const settings: Environment = { ...(await isolatedEnvironment(folder)), BIND_HOST: '::1' };

    expect((await checkSettings(settings)).gateway).toBe(`http://[::1]:${settings.GATEWAY_PORT}`);
  });

  test('When its gateway listens everywhere, then it says so, and the services do not: they ask for no key', async () => {
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const own = addresses.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.2';
    const { ports, stop, output } = await startStack(folder, { BIND_HOST: '0.0.0.0', ALLOW_OPEN: 'true' });
    try {
      expect(output()).toMatch(
        /"service":"gateway","host":"0\.0\.0\.0","msg":"other machines can reach 0\.0\.0\.0, without a key/,
      );
      expect(output()).toMatch(/\n {2}Note {2}other machines can reach/);
      expect((await request(`http://${own}:${ports.gateway}/api/products/1`)).status).toBe(200);
      await expect(request(`http://${own}:${ports.catalog}/api/products/1`)).rejects.toThrow('fetch failed');
      await expect(request(`http://${own}:${ports.tagging}/api/tags/1`)).rejects.toThrow('fetch failed');
    } finally {
      await stop();
    }
  });
});
