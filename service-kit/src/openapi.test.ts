import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { openApiDocument } from './openapi.ts';
import { defineRoute } from './route.ts';

test('When an operation takes no body, then the refusals of one that is sent all the same are documented', () => {
  const route = defineRoute({
    method: 'get',
    path: '/things',
    operationId: 'listThings',
    tag: 'things',
    summary: 'List things',
    replies: { 200: { description: 'Things.', schema: z.array(z.unknown()) } },
    problems: [],
    handler: async () => ({ status: 200, body: [] }),
  });

  const responses = openApiDocument('things', [route]).paths?.['/things']?.get?.responses;

  expect(responses).toMatchObject({
    400: { description: expect.stringContaining('`invalid_json`') },
    413: { description: expect.stringContaining('`body_too_large`') },
    415: { description: expect.stringContaining('`unsupported_media_type`') },
  });
});
