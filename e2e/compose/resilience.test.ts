import { describe } from '@jest/globals';
import { freePort } from '@shop/tools/embedded.ts';
import { composeFaults } from '@shop/verification/resilience/compose-faults.ts';
import { composeSystem } from '@shop/verification/resilience/compose-system.ts';
import { describeMatrix } from '@shop/verification/resilience/describe.ts';

describe('docker compose', () => {
  describeMatrix('compose', {
    start: async () =>
      composeSystem({
        gateway: String(process.env.E2E_BASE_URL),
        'catalog-service': String(process.env.E2E_CATALOG_URL),
        'tagging-service': String(process.env.E2E_TAGGING_URL),
      }),
    stop: (system) => system.scale(1),
    prepare: (system, { replicas = 1 }) => system.scale(replicas),
    faults: composeFaults,
  });
});

describe('docker compose with a small disk', () => {
  // A project beside that of the other tests, of the images that these have built.
  describeMatrix('small disk', {
    start: async () => {
      const [gateway, catalog, tagging] = [await freePort(), await freePort(), await freePort()];
      const system = composeSystem(
        {
          gateway: `http://127.0.0.1:${gateway}`,
          'catalog-service': `http://127.0.0.1:${catalog}`,
          'tagging-service': `http://127.0.0.1:${tagging}`,
        },
        {
          ...process.env,
          COMPOSE_PROJECT_NAME: `${process.env.COMPOSE_PROJECT_NAME}-disk`,
          COMPOSE_FILE: `${process.env.COMPOSE_FILE ?? 'docker-compose.yml'}:e2e/compose/small-disk.yml`,
          GATEWAY_PORT: String(gateway),
          CATALOG_SERVICE_PORT: String(catalog),
          TAGGING_SERVICE_PORT: String(tagging),
        },
      );
      await system.compose('up', '--detach', '--wait');
      return system;
    },
    stop: async ({ compose }) => void (await compose('--profile', 'tools', 'down', '--volumes')),
    faults: composeFaults,
  });
});
