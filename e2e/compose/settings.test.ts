import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { dockerOf } from '@shop/testing/docker.ts';
import { request } from '@shop/testing/http.ts';
import { freePort } from '@shop/tools/embedded.ts';

/** Each character means something to SQL, to a shell or to compose. */
const settings = {
  DB_NAME: 'shop$$x-1',
  DB_USER: `o'wn "er\\ü`,
  DB_PASSWORD: `p'\\" $x #%;--/*\`é&\\`,
  CATALOG_DB_USER: '-c.at',
  CATALOG_DB_PASSWORD: `'; DROP USER root; -- \\`,
  TAGGING_DB_USER: 'tag-',
  TAGGING_DB_PASSWORD: `'' $(id) $HOME 密码🛒 &\\&`,
};

const project = `${process.env.COMPOSE_PROJECT_NAME}-settings`;
const ports = {
  GATEWAY_PORT: await freePort(),
  CATALOG_SERVICE_PORT: await freePort(),
  TAGGING_SERVICE_PORT: await freePort(),
};
const base = {
  ...process.env,
  COMPOSE_PROJECT_NAME: project,
  ...Object.fromEntries(Object.entries(ports).map(([name, port]) => [name, String(port)])),
};
const { docker, compose } = dockerOf({ ...base, ...settings });

describe('settings with quotes, spaces, $, #, %, \\ and Unicode', () => {
  beforeAll(() => compose('up', '--detach', '--wait'));
  afterAll(async () => {
    await compose('--profile', 'tools', 'down', '--volumes', '--remove-orphans');
  });

  const products = async () => (await request(`http://127.0.0.1:${ports.GATEWAY_PORT}/api/products/1`)).status;
  const tags = async () => (await request(`http://127.0.0.1:${ports.GATEWAY_PORT}/api/tags/1`)).status;

  test('When names and passwords have them on an empty volume, then both services and the owner can log in', async () => {
    expect([await products(), await tags()]).toEqual([200, 200]);
    expect(await compose('run', '--rm', '-T', 'migrate')).toContain(`${settings.DB_NAME} is up to date`);
  });

  test('When passwords are changed, then the next "up" lets the new ones in and no old one', async () => {
    const changed = { DB_PASSWORD: `new;'\\`, CATALOG_DB_PASSWORD: `日本'`, TAGGING_DB_PASSWORD: '\\' };
    const next = dockerOf({ ...base, ...settings, ...changed });
    await next.compose('up', '--detach', '--wait');

    expect([await products(), await tags()]).toEqual([200, 200]);
    expect(await next.compose('run', '--rm', '-T', 'migrate')).toContain('is up to date');
    await expect(compose('run', '--rm', '-T', '--no-deps', 'migrate')).rejects.toThrow(/did not let .* in/);
  });
});

describe('settings that make no sense', () => {
  test.each([
    [{ DB_NAME: 'my shop' }, 'DB_NAME must be a database name of letters, digits, _, $ and -'],
    [{ DB_USER: 'root' }, "DB_USER must not be root, which is the server's own"],
    [{ CATALOG_DB_USER: `o'neil` }, 'CATALOG_DB_USER must be a MySQL user name of letters, digits, _, . and -'],
    [{ TAGGING_DB_USER: 'shop_catalog' }, 'DB_USER, CATALOG_DB_USER and TAGGING_DB_USER must differ'],
    [
      {
        PUBLISH_HOST: '0.0.0.0',
        CATALOG_DB_PASSWORD: 'catalog-for-development',
        DB_PASSWORD: 'x',
        TAGGING_DB_PASSWORD: 'x',
      },
      'refusing to publish on 0.0.0.0 with the default of CATALOG_DB_PASSWORD; set your own',
    ],
    [{ DB_PASSWORD: 'two\nlines' }, 'DB_PASSWORD must be one line without control characters'],
  ])('When they are %j, then MySQL says so in one line, and writes nothing', async (bad, sentence) => {
    const { compose: with_ } = dockerOf({ ...base, ...bad });

    const started = with_('run', '--rm', '-T', '--no-deps', 'mysql', 'mysqld');

    await expect(started).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`mysql cannot start: ${sentence}\n`),
    });
    await with_('down', '--volumes');
  });
});

describe('PUBLISH_HOST beyond this machine', () => {
  const published = { ...base, PUBLISH_HOST: '0.0.0.0', ALLOW_OPEN: 'true' };

  test('When passwords are the defaults, then the gateway refuses to start and names them', async () => {
    const { compose: once } = dockerOf({ ...published, DB_PASSWORD: `it's "set"` });

    const started = once('run', '--rm', '-T', '--no-deps', 'gateway');

    await expect(started).rejects.toThrow(/default database passwords. Set CATALOG_DB_PASSWORD, TAGGING_DB_PASSWORD\n/);
    await once('down', '--volumes');
  });
});

describe('.env', () => {
  test('When values are quoted as .env.example says, then compose takes them as they are', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'shop-env-'));
    const file = path.join(folder, 'settings');
    await writeFile(
      file,
      `DB_PASSWORD='$HOME $(x) $$ #1 %s \\\\n "密码 '\nCATALOG_DB_PASSWORD="it's #1, 100 % 密码 "\n`,
    );

    const text = await dockerOf(base).compose('--env-file', file, 'config', '--format', 'json');

    await rm(folder, { recursive: true });
    const { environment } = JSON.parse(text).services.mysql;
    // What compose prints could be read by it again: a $ is doubled.
    expect(environment.DB_PASSWORD.replaceAll('$$', '$')).toBe('$HOME $(x) $$ #1 %s \\\\n "密码 ');
    expect(environment.CATALOG_DB_PASSWORD).toBe("it's #1, 100 % 密码 ");
  });
});

describe('images', () => {
  test('When the file is read, then each image but MySQL is built here, under a name that no registry can offer', async () => {
    const { services } = JSON.parse(await dockerOf(base).compose('--profile', 'tools', 'config', '--format', 'json'));

    const { mysql, ...own } = services as Record<string, { image: string; build?: object; pull_policy?: string }>;
    expect(mysql?.build).toBeUndefined();
    expect(Object.keys(own).length).toBeGreaterThan(5);
    for (const service of Object.values(own)) {
      expect(service).toMatchObject({
        build: {},
        pull_policy: 'never',
        image: expect.stringMatching(/^shop\.invalid\//),
      });
    }
  });

  test('When a tool runs whose image is not there, then it is built', async () => {
    await docker('image', 'rm', '--force', 'shop.invalid/tools');

    const printed = await compose('run', '--rm', '-T', '--no-deps', 'verify', 'node', '--print', '6*7');

    expect(printed.split('\n').at(-1)).toBe('42');
    await compose('down');
  });
});
