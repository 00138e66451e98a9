import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BytePages } from './byte-pages.ts';

const around = (size: number) => fc.integer({ min: size - 2, max: size + 2 });
const pieceSize = fc.oneof(fc.integer({ min: 1, max: 300 }), around(2 ** 10), around(2 ** 14), around(2 ** 16));

/** Bytes of which no two places look alike. */
const bytes = Buffer.from(Uint32Array.from({ length: 2 ** 19 }, (_, index) => index * 2_654_435_761).buffer);

test('When bytes come in pieces of any size, of whatever announced length, then the whole is what came', () => {
  const sizes = fc.array(pieceSize, { minLength: 1, maxLength: 25 });
  const announced = fc.constantFrom('nothing', 'all', 'less');
  fc.assert(
    fc.property(sizes, announced, (lengths, says) => {
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const pages = new BytePages({ nothing: Number.NaN, all: total, less: Math.floor(total / 2) }[says]);
      let at = 0;
      for (const length of lengths) {
        const expected = pages.capacityWith(length);
        pages.add(bytes.subarray(at, at + length));
        expect(pages.capacity).toBe(expected);
        at += length;
      }
      // Not `toEqual`, which would compare and print them byte by byte.
      expect(pages.whole().equals(bytes.subarray(0, total))).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});
