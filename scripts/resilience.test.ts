import { readFile } from 'node:fs/promises';
import { describe, expect, test } from '@jest/globals';
import { describeMatrix } from '@shop/verification/resilience/describe.ts';
import { processFaults } from '@shop/verification/resilience/process-faults.ts';
import { startProcessSystem } from '@shop/verification/resilience/process-system.ts';
import { documentFile, withTable } from '@shop/verification/resilience/render.ts';

test('When the matrix is rendered, then docs/resilience.md has the same table', async () => {
  const document = await readFile(documentFile, 'utf8');

  expect(document).toBe(withTable(document));
});

describe('npm start', () => {
  describeMatrix('process', {
    start: () => startProcessSystem(5_000),
    stop: (system) => system.stop(),
    faults: processFaults,
  });
});
