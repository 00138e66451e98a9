import { expect, test } from '@jest/globals';
import { toTimestamp } from './timestamp.ts';

test.each([
  ['2026-11-22 16:38:39.120', '2026-11-22T16:38:39.120Z'],
  ['2026-11-22 16:38:39.000', '2026-11-22T16:38:39.000Z'],
  ['2026-11-22 16:38:39', '2026-11-22T16:38:39.000Z'],
  ['2026-11-22 16:38:39.500000', '2026-11-22T16:38:39.500Z'],
])('When the database says %s, then it is %s', (datetime, timestamp) => {
  expect(toTimestamp(datetime)).toBe(timestamp);
});
