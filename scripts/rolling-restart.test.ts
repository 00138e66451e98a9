import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createTestDatabase, type TestDatabase } from '@shop/testing/database.ts';
import { request } from '@shop/testing/http.ts';
import { createProducts, type LoadedProducts, startLoad } from '@shop/testing/steady-load.ts';
import { freePort } from '@shop/tools/embedded.ts';

const root = path.join(import.meta.dirname, '..');

/** A program of the stack that the test starts and ends by itself. */
class Program {
  readonly url: string;
  readonly #file: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: ChildProcess | undefined;

  constructor(file: string, port: number, env: NodeJS.ProcessEnv) {
    this.url = `http://127.0.0.1:${port}`;
    this.#file = file;
    this.#env = { PATH: process.env.PATH, ENV_FILE: '', LOG_LEVEL: 'warn', ...env };
  }

  /** Starts it, and waits until it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [this.#file], { cwd: root, env: this.#env, stdio: 'ignore' });
    this.#child = child;
    const isReady = () =>
      fetch(`${this.url}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await isReady())) {
      if (child.exitCode !== null) throw new Error(`${this.#file} ended with exit code ${child.exitCode}`);
      await delay(50);
    }
  }

  /** Sends a signal, waits for the end, and tells the exit code. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return null;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return child.exitCode;
  }
}

let database: TestDatabase;
let replicas: Program[];
let gateway: Program;
let products: LoadedProducts;
beforeAll(async () => {
  database = await createTestDatabase();
  const { host, port, database: name, user, password } = database.settingsOf('catalog');
  const env = {
    DB_HOST: host,
    DB_PORT: String(port),
    DB_NAME: name,
    DB_USER: user,
    DB_PASSWORD: '',
    CATALOG_DB_USER: user,
    CATALOG_DB_PASSWORD: password,
    SHUTDOWN_DELAY_MS: '800',
  };
  const ports = [await freePort(), await freePort()];
  replicas = ports.map(
    (own) => new Program('catalog-service/src/server.ts', own, { ...env, CATALOG_SERVICE_PORT: String(own) }),
  );
  const gatewayPort = await freePort();
  gateway = new Program('gateway/src/server.ts', gatewayPort, {
    GATEWAY_PORT: String(gatewayPort),
    CATALOG_SERVICE_URL: replicas.map(({ url }) => url).join(','),
    SHUTDOWN_DELAY_MS: '500',
  });
  await Promise.all(replicas.map((replica) => replica.start()));
  await gateway.start();
  products = await createProducts(gateway.url, 1);
});
afterAll(async () => {
  await Promise.all([...replicas, gateway].map((program) => program.end('SIGKILL')));
  await database.drop();
});

test('When two replicas are restarted in turn under load, then no request fails, and each ends with exit code 0', async () => {
  const before = await products.stock();
  const load = startLoad(gateway.url, { products, clients: 3, pause: 10, keyed: false });
  const codes: (number | null)[] = [];
  for (const replica of [...replicas, ...replicas.slice(0, 1)]) {
    await delay(200);
    codes.push(await replica.end('SIGTERM'));
    await replica.start();
  }
  const { sent, failures, added } = await load.stop();

  expect(failures).toEqual([]);
  expect(codes).toEqual([0, 0, 0]);
  expect(sent).toBeGreaterThan(100);
  expect(await products.stock()).toBe(before + added);
});

test('When a replica is killed under load, then no read fails, and no write that has a key; none is done twice', async () => {
  const before = await products.stock();
  const load = startLoad(gateway.url, { products, clients: 3, pause: 10, keyed: true });
  for (const replica of replicas) {
    await delay(300);
    await replica.end('SIGKILL');
    await delay(300);
    await replica.start();
    // The other one is not to go before this one is known to be back.
    await delay(600);
  }
  const { failures, added } = await load.stop();

  expect(failures).toEqual([]);
  expect(await products.stock()).toBe(before + added);
});

test('When the gateway is told to stop, then it takes requests for a while that clients are told not to keep up, and ends with exit code 0', async () => {
  const ended = gateway.end('SIGTERM');
  const isReady = async () => (await fetch(`${gateway.url}/health/ready`)).ok;
  while (await isReady()) await delay(10);

  const { status, headers } = await request(gateway.url + products.paths[0]);

  expect(status).toBe(200);
  expect(headers.get('connection')).toBe('close');
  expect(await ended).toBe(0);
});
