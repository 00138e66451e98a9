import { connect, disconnect, select } from '@shop/db/connection/connection.ts';
import { defaultStepSize } from '@shop/db/steps.ts';
import { useCursorKeys } from '@shop/resources/list/cursor-keys.ts';
import {
  createResourceApp,
  databaseChecks,
  type ResourceServiceDescription,
} from '@shop/resources/resource-service.ts';
import { SchemaWatch } from '@shop/resources/schema-watch.ts';
import { Health } from '@shop/service-kit/health.ts';
import { listen } from '@shop/service-kit/server.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { memoryLogger, request, type TestResponse } from './http.ts';

type RequestOptions = Parameters<typeof request>[1];

/** Sends `count` requests at once. */
export const atOnce = <T>(count: number, send: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(index)));

/** Every row of every table as text, to be compared. */
export async function allRows({ db }: TestDatabase): Promise<Record<string, string[]>> {
  const tables = await select<{ name: string }>(
    db,
    'SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()',
  );
  const found: Record<string, string[]> = {};
  for (const { name } of tables) {
    // Always as text: what is prepared spells a time of a whole second in another way.
    const [rows] = await db.sequelize.query(`SELECT * FROM \`${name}\``);
    found[name] = rows.map((row) => JSON.stringify(row)).toSorted();
  }
  return found;
}

/** A service that listens on a free port, on a database of its own. */
export interface TestService {
  url: string;
  database: TestDatabase;
  lines: Record<string, unknown>[];
  /** Every statement that the service has sent to its database. */
  statements: string[];
  get(path: string, options?: RequestOptions): Promise<TestResponse>;
  post(path: string, body: unknown, options?: RequestOptions): Promise<TestResponse>;
  put(path: string, body: unknown, options?: RequestOptions): Promise<TestResponse>;
  patch(path: string, body: unknown, options?: RequestOptions): Promise<TestResponse>;
  delete(path: string, options?: RequestOptions): Promise<TestResponse>;
  stop(): Promise<void>;
}

/** Starts a service as it is in production, with the rights that it has there. */
export async function startTestService(
  service: ResourceServiceDescription,
  {
    database,
    address = {},
    poolMax = 10,
    queueMax = 100,
    // No lane: what a test asks for at once is to be answered on a machine that is busy, too.
    expensiveMax = 1_000,
    requirePrecondition = false,
    requestTimeout = 30_000,
    stepSize = defaultStepSize,
    cursorKeys = [],
    verified = true,
  }: {
    database?: TestDatabase;
    /** Another way to the database, such as a proxy. */
    address?: { host?: string; port?: number };
    poolMax?: number;
    queueMax?: number;
    expensiveMax?: number;
    requirePrecondition?: boolean;
    requestTimeout?: number;
    stepSize?: number;
    cursorKeys?: string[];
    /** False: it compares its database before it takes requests, as in production. */
    verified?: boolean;
  } = {},
): Promise<TestService> {
  const own = database ?? (await createTestDatabase());
  const statements: string[] = [];
  const db = connect(
    { ...own.settingsOf(service.account), ...address, poolMax },
    { onStatement: (sql) => statements.push(sql), limits: { requestTimeout, queueMax, expensiveMax } },
  );
  await useCursorKeys(db, service.account, cursorKeys).load();
  const { logger, lines } = memoryLogger();
  const schema = new SchemaWatch(db, logger, { verified, pauses: { away: 50, unfit: 50, fit: 2 ** 31 - 1 } });
  const end = new AbortController();
  void schema.run({ end: end.signal });
  const health = new Health(service.name, databaseChecks(db, schema));
  const server = await listen(
    createResourceApp(service, { db, requirePrecondition, requestTimeout, stepSize, logger, health, schema }),
    {
      host: '127.0.0.1',
      port: 0,
    },
  );
  const send = (method: string, path: string, options: RequestOptions = {}) =>
    request(server.url + path, { method, ...options });
  return {
    url: server.url,
    database: own,
    lines,
    statements,
    get: (path, options) => send('GET', path, options),
    post: (path, body, options) => send('POST', path, { body, ...options }),
    put: (path, body, options) => send('PUT', path, { body, ...options }),
    patch: (path, body, options) => send('PATCH', path, { body, ...options }),
    delete: (path, options) => send('DELETE', path, options),
    stop: async () => {
      end.abort();
      await server.close();
      await disconnect(db);
      if (!database) await own.drop();
    },
  };
}
