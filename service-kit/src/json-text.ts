import { createHash } from 'node:crypto';

/** A JSON value as text, in pieces: what is large is never one string. */
export class JsonText {
  readonly pieces: readonly string[];
  /** In UTF-8. */
  readonly bytes: number;

  constructor(pieces: readonly string[], bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)) {
    this.pieces = pieces;
    this.bytes = bytes;
  }

  /** The digest that one string of it would have. */
  digest(): string {
    const hash = createHash('sha1');
    for (const piece of this.pieces) hash.update(piece);
    return hash.digest('base64url');
  }
}

/** An array of JSON, whose items are rendered one by one. */
export class JsonArray extends JsonText {
  readonly length: number;

  constructor(items: readonly string[], bytes: number) {
    super(
      items.length === 0 ? ['[]'] : items.map((item, index) => `${index === 0 ? '[' : ','}${item}`).concat(']'),
      bytes + Math.max(items.length, 1) + 1,
    );
    this.length = items.length;
  }
}

/**
 * As many of `items` as have room in `most` bytes, and one at least.
 */
export function renderFitting(items: readonly unknown[], most: number): { texts: string[]; bytes: number } {
  const texts: string[] = [];
  let bytes = 0;
  for (const item of items) {
    const text = JSON.stringify(item);
    const length = Buffer.byteLength(text);
    if (texts.length > 0 && bytes + length > most) break;
    texts.push(text);
    bytes += length;
  }
  return { texts, bytes };
}
