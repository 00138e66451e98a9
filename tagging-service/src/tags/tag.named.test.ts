import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { taggingService } from '../app.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(taggingService);
  const create = Array.from({ length: 250 }, (_, index) => ({ tag_name: `tag ${index}` }));
  await service.post('/api/tags/batch?_return=minimal', { create });
});
afterAll(() => service.stop());

test.each(['id', 'slug', 'tag_name'])(
  'When tags are asked for by 250 values of %s, then all are answered in one page',
  async (field) => {
    const all = (await service.get('/api/tags?_limit=250')).body.map((row: Record<string, unknown>) => row[field]);
    const query = new URLSearchParams(all.map((value: unknown) => [field, String(value)]));
    const { status, body } = await service.get(`/api/tags?${query}`);

    expect(status).toBe(200);
    expect(body.map((row: Record<string, unknown>) => row[field])).toEqual(all);
  },
);
