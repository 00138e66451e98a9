import { startResourceService } from '@shop/resources/resource-service.ts';
import { loadEnvironmentFile } from '@shop/service-kit/config.ts';
import { runMain } from '@shop/service-kit/server.ts';
import { taggingService } from './app.ts';

await runMain(taggingService.name, () => startResourceService(taggingService, loadEnvironmentFile()));
