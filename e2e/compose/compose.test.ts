import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { dockerOf, root } from '@shop/testing/docker.ts';
import { request } from '@shop/testing/http.ts';

const gateway = String(process.env.E2E_BASE_URL);

/** The environment is that of the project that `npm run test:compose` has started. */
const { docker, compose } = dockerOf();

interface Container {
  Name: string;
  State: { Health?: { Status: string } };
  Config: { User: string; Labels: Record<string, string> };
  HostConfig: {
    ReadonlyRootfs: boolean;
    CapDrop: string[] | null;
    SecurityOpt: string[] | null;
    RestartPolicy: { Name: string };
    PortBindings: Record<string, { HostIp: string }[]> | null;
  };
  NetworkSettings: { Networks: Record<string, object> };
}

async function containers(): Promise<Record<string, Container>> {
  const ids = (await compose('ps', '--quiet')).split('\n');
  const list = JSON.parse(await docker('inspect', ...ids)) as Container[];
  return Object.fromEntries(list.map((one) => [one.Config.Labels['com.docker.compose.service'], one]));
}

let running: Record<string, Container>;
beforeAll(async () => {
  running = await containers();
});

describe('the containers', () => {
  test('When the stack is up, then these four run, healthy, and come back when they fall', () => {
    expect(Object.keys(running).toSorted()).toEqual(['catalog-service', 'gateway', 'mysql', 'tagging-service']);
    for (const container of Object.values(running)) {
      expect(container.State.Health?.Status).toBe('healthy');
      expect(container.HostConfig.RestartPolicy.Name).toBe('unless-stopped');
    }
  });

  test('When they are inspected, then none is root, has a capability or can gain one', () => {
    for (const { Config, HostConfig } of Object.values(running)) {
      expect(Config.User).not.toMatch(/^(root|0|)(:|$)/);
      expect(HostConfig.CapDrop).toEqual(['ALL']);
      expect(HostConfig.SecurityOpt).toEqual(['no-new-privileges:true']);
    }
  });

  test.each(['gateway', 'catalog-service', 'tagging-service'])(
    'When %s is inspected, then its file system is read-only',
    async (name) => {
      expect(running[name]?.HostConfig.ReadonlyRootfs).toBe(true);
      await expect(compose('exec', '-T', name, 'touch', '/shop/x')).rejects.toThrow(/Read-only file system/);
    },
  );

  test.each(['gateway', 'catalog-service', 'tagging-service'])(
    'When %s is looked into, then there is no development dependency and no test',
    async (name) => {
      const listing = await compose(
        'exec',
        '-T',
        name,
        'sh',
        '-c',
        'ls /shop/node_modules /shop/node_modules/.bin; find /shop -name "*.test.ts" -not -path "*/node_modules/*"',
      );

      expect(listing).toContain('express');
      expect(listing).not.toMatch(/typescript|jest|biome|newman|concurrently|\.test\.ts/);
    },
  );

  test('When their ports are inspected, then only the gateway publishes any, on the loopback interface', () => {
    for (const [name, { HostConfig }] of Object.entries(running)) {
      const published = Object.values(HostConfig.PortBindings ?? {}).flat();
      expect(published.every(({ HostIp }) => HostIp === '127.0.0.1')).toBe(true);
      expect(published).toHaveLength(name === 'gateway' ? 3 : 0);
    }
  });

  test('When their networks are inspected, then none has a way out but one of the gateway', async () => {
    for (const [name, { NetworkSettings }] of Object.entries(running)) {
      const format = ['--format', '{{.Internal}}'];
      const internal = await docker('network', 'inspect', ...format, ...Object.keys(NetworkSettings.Networks));
      expect([name, internal.split('\n').toSorted()]).toEqual([
        name,
        name === 'gateway' ? ['false', 'true'] : ['true'],
      ]);
    }
  });

  test.each([
    ['E2E_CATALOG_URL', 'catalog-service'],
    ['E2E_TAGGING_URL', 'tagging-service'],
  ])('When the port in %s is asked for health, then %s answers, and has no API there', async (variable, service) => {
    const url = process.env[variable];

    expect((await request(`${url}/health`)).body).toMatchObject({ status: 'up', service });
    expect((await request(`${url}/api/products`)).status).toBe(404);
  });
});

describe('keys', () => {
  const once = (...words: string[]) => compose('run', '--rm', '--no-deps', '-T', ...words);

  test('When the gateway is published to other machines and has no keys, then it does not start', async () => {
    await expect(once('--env', 'PUBLISHED_ON=0.0.0.0', 'gateway')).rejects.toThrow(/Set API_KEYS_FILE/);
  });

  test('When a key file is in keys/, then the gateway can read it in its container', async () => {
    const file = `keys/test-${process.pid}`;
    await writeFile(path.join(root, file), `shop read ${'0'.repeat(64)}\n`, { mode: 0o644 });
    const script = `import { readKeys } from '/shop/gateway/src/guards/key-ring.ts'; console.log((await readKeys('/shop/${file}'))[0].name)`;

    const name = await once('gateway', 'node', '--input-type=module', '--eval', script).finally(() =>
      rm(path.join(root, file)),
    );

    expect(name).toBe('shop');
  });
});

describe('the database', () => {
  const sql = (account: string, statement: string) =>
    compose(
      'exec',
      '-T',
      'mysql',
      'sh',
      '-c',
      `MYSQL_PWD="$${account}_DB_PASSWORD" mysql --protocol=tcp --host=127.0.0.1 --user="$${account}_DB_USER" --skip-column-names --execute="${statement}" --database="$DB_NAME"`,
    );

  test('When the server is asked, then it is MySQL 9.7', async () => {
    expect(await sql('CATALOG', 'SELECT VERSION() FROM mutex')).toMatch(/^9\.7\./);
  });

  test.each([
    ['TAGGING', 'UPDATE product SET price = 0'],
    ['TAGGING', 'DELETE FROM category'],
    ['TAGGING', 'CREATE TABLE t (id INT)'],
    ['CATALOG', "UPDATE tag SET tag_name = 'x'"],
    ['CATALOG', 'DELETE FROM tag'],
    ['CATALOG', 'DROP TABLE product'],
  ])('When the %s account tries "%s", then the database refuses', async (account, statement) => {
    await expect(sql(account, statement)).rejects.toThrow(/command denied/);
  });
});

describe('docker compose run --rm seed', () => {
  test('When it runs twice, then the seed rows are restored, the second run changes nothing, and added rows stay', async () => {
    const { body: own } = await request(`${gateway}/api/products`, {
      method: 'POST',
      body: { product_name: 'Mine', price: 1 },
    });
    await request(`${gateway}/api/products/1`, { method: 'PUT', body: { price: 1 } });
    await request(`${gateway}/api/tags/3`, { method: 'DELETE' });

    await compose('run', '--rm', 'seed');
    const first = (await request(`${gateway}/api/products`)).text;
    await compose('run', '--rm', 'seed');

    expect((await request(`${gateway}/api/products`)).text).toBe(first);
    expect((await request(`${gateway}/api/products/1`)).body.price).toBe(14.99);
    expect((await request(`${gateway}/api/tags/3`)).body.tag_name).toBe('blue');
    expect((await request(`${gateway}/api/products/${own.id}`)).body).toEqual(own);
    await request(`${gateway}/api/products/${own.id}`, { method: 'DELETE' });
  });

  test('When migrate runs on a database that is up to date, then it says so', async () => {
    expect(await compose('run', '--rm', 'migrate')).toContain('is up to date');
  });
});

describe('faults', () => {
  const until = async (condition: () => Promise<boolean>) => {
    while (!(await condition().catch(() => false))) await delay(100);
  };

  test('When catalog-service is scaled to two replicas, then no port clashes and every request is answered', async () => {
    await compose('up', '--detach', '--wait', '--scale', 'catalog-service=2');
    const replicas = (await compose('ps', '--quiet', 'catalog-service')).split('\n');
    const answers = await Promise.all(Array.from({ length: 20 }, () => request(`${gateway}/api/products/1`)));

    expect(replicas).toHaveLength(2);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    await compose('up', '--detach', '--wait', '--scale', 'catalog-service=1');
  });

  test('When MySQL stops, then reads are 503 and every process lives; when it is back, so are they', async () => {
    await compose('stop', 'mysql');
    const { status, body } = await request(`${gateway}/api/products/1`);
    const health = await request(`${gateway}/health`);
    const live = await request(`${process.env.E2E_CATALOG_URL}/health/live`);
    await compose('start', 'mysql');
    await until(async () => (await request(`${gateway}/api/products/1`)).status === 200);

    expect(status).toBe(503);
    expect(body.code).toBe('unavailable');
    expect(health.body.services['catalog-service'].checks.database.status).toBe('down');
    expect(live.status).toBe(200);
    await until(async () => (await request(`${gateway}/health`)).status === 200);
  });

  test('When the stack is stopped and started again, then the data are there', async () => {
    const { body: tag } = await request(`${gateway}/api/tags`, {
      method: 'POST',
      body: { tag_name: `kept ${Date.now()}` },
    });
    await compose('down');
    await compose('up', '--detach', '--wait');

    expect((await request(`${gateway}/api/tags/${tag.id}`)).body).toEqual(tag);
  });
});
