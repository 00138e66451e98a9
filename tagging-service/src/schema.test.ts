import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { startTestService } from '@shop/testing/service.ts';
import { taggingService } from './app.ts';

test('When the full-text index of tags goes while the service runs, then searches are 503, and it is not ready', async () => {
  const service = await startTestService(taggingService);
  await service.database.db.sequelize.query('ALTER TABLE tag_search DROP INDEX tag_search_terms');

  const search = await service.get('/api/tags?q=word');
  let health = await service.get('/health/ready');
  for (let attempt = 0; attempt < 1_000 && health.status === 200; attempt++) {
    await delay(20);
    health = await service.get('/health/ready');
  }
  await service.stop();

  expect(search).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(health.body.checks.schema.reason).toContain('full-text index tag_search.tag_search_terms is missing');
});
