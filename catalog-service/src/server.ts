import { startResourceService } from '@shop/resources/resource-service.ts';
import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { runMain } from '@shop/service-kit/server.ts';
import { catalogService } from './app.ts';

await runMain(catalogService.name, () => startResourceService(catalogService, loadEnvironmentFile()));
