// `npm start` and `npm run dev`: a database, the schema, the seeds, the three services, until Ctrl-C.

import { setTimeout as delay } from 'node:timers/promises';
import { SchemaError } from '@shop/db/errors.ts';
import { gatewayConfig, reachWarningOf } from '@shop/gateway/config.ts';
import { type Environment, loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { prepareDatabase, provideDatabase } from '@shop/tools/provision.ts';
import { NoDatabaseError } from '@shop/tools/server-program.ts';
import { checkSettings, runPrograms, type StackAddresses } from './stack.ts';

const started = performance.now();
const say = (line: string): void => console.log(line);

/** Waits until the gateway says that everything is up; false when `given up` says so. */
async function untilReady(gateway: string, givenUp: () => boolean): Promise<boolean> {
  while (!givenUp()) {
    const response = await fetch(`${gateway}/health`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (response?.ok) return true;
    await delay(100);
  }
  return false;
}

function announce(addresses: StackAddresses, database: string, notes: string[], warning: string | undefined): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  say(`
  The shop is running (ready after ${seconds} s).

    gateway           ${addresses.gateway}        reference: ${addresses.gateway}/docs
    catalog-service   ${addresses['catalog-service']}/health
    tagging-service   ${addresses['tagging-service']}/health
    database          ${database}
${notes.map((note) => `                      ${note}\n`).join('')}
${warning === undefined ? '' : `  Note  ${warning}\n`}  Try   curl ${addresses.gateway}/api/products/1
  Stop  Ctrl-C
`);
}

async function main(env: Environment): Promise<void> {
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  const addresses = await checkSettings(env);
  const database = await provideDatabase(env, { exclusive: true, say });
  let lost: string | undefined;
  void database.lost?.then((reason) => {
    lost = reason;
    process.kill(process.pid, 'SIGTERM');
  });
  try {
    const { migrations, seeded } = await prepareDatabase(database, say);
    if (interrupted) return;
    const running = runPrograms(database, env, { watch: process.argv.includes('--watch') });
    let ended = false;
    void running.then(() => {
      ended = true;
    });
    if (await untilReady(addresses.gateway, () => ended)) {
      const notes = [
        ...(migrations.length > 0 ? [`migrated: ${migrations.join(', ')}`] : []),
        ...(seeded ? ['new database: the seed data is in place'] : []),
      ];
      announce(addresses, database.description, notes, reachWarningOf(gatewayConfig(env)));
    }
    await running;
    if (lost !== undefined) throw new NoDatabaseError(lost);
  } finally {
    await database.release();
  }
}

try {
  await main(loadEnvironmentFile());
  say('Stopped.');
  // Keep-alive connections of the readiness check would hold the process for a while.
  process.exit(0);
} catch (error) {
  const { name, message, stack } = error as Error;
  const expected = error instanceof SchemaError || name === 'ConfigError' || name.startsWith('Sequelize');
  console.error(expected ? message : stack);
  process.exit(1);
}
