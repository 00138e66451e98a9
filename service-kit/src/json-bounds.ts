/** What a body may be, beside its length. */
export const jsonBounds = {
  /**
   * How deep its arrays and objects may be nested. What goes through a value by recursion, as `JSON.stringify` does, has an end
   * to its stack.
   */
  depth: 64,
  /**
   * How many values it may have: text can become a hundred times as many bytes when it is read. A batch of 1,000 products with
   * 100 tags each has half of it.
   */
  values: 250_000,
};

const [quote, backslash, comma, openArray, openObject, closeArray, closeObject] = Buffer.from('"\\,[{]}');

/**
 * Which bound a JSON text in UTF-8 passes; says nothing of a text that is not JSON. An array or object with nothing in it counts
 * as two values.
 */
export function passedBound(json: Uint8Array): keyof typeof jsonBounds | undefined {
  let depth = 0;
  let values = 1;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === openArray || byte === openObject) {
      depth++;
      values++;
      if (depth > jsonBounds.depth) return 'depth';
    } else if (byte === closeArray || byte === closeObject) depth--;
    else if (byte === comma) values++;
    if (values > jsonBounds.values) return 'values';
  }
  return undefined;
}
