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

/** Where the text that begins with a quote ends with one, or the JSON does. Most of a large body is text, of which this skips all at once. */
function endOfText(json: string, start: number): number {
  for (let at = start + 1; ; at++) {
    at = json.indexOf('"', at);
    if (at < 0) return json.length;
    let escapes = 0;
    while (json.charCodeAt(at - 1 - escapes) === backslash) escapes++;
    if (escapes % 2 === 0) return at;
  }
}

/**
 * Which bound a JSON text passes; says nothing of a text that is not JSON. An array or object with nothing in it counts
 * as two values.
 */
export function passedBound(json: string): keyof typeof jsonBounds | undefined {
  let depth = 0;
  let values = 1;
  for (let at = 0; at < json.length; at++) {
    const character = json.charCodeAt(at);
    if (character === quote) at = endOfText(json, at);
    else if (character === openArray || character === openObject) {
      depth++;
      values++;
      if (depth > jsonBounds.depth) return 'depth';
    } else if (character === closeArray || character === closeObject) depth--;
    else if (character === comma) values++;
    if (values > jsonBounds.values) return 'values';
  }
  return undefined;
}
