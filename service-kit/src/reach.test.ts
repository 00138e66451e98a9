import { describe, expect, test } from '@jest/globals';
import { reachWarning } from './reach.ts';

describe('reachWarning', () => {
  test.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])(
    'When only this machine reaches %s, then there is none',
    (host) => {
      expect(reachWarning(host, 'nothing')).toBeUndefined();
    },
  );

  test.each(['0.0.0.0', '::', '192.0.2.1', 'shop.example.com', ''])(
    'When others reach "%s", then it says what they need there',
    (host) => {
      expect(reachWarning(host, 'nothing')).toContain('without a key');
      expect(reachWarning(host, 'all')).toContain('with a key');
    },
  );
});
