/**
 * How deep the arrays and objects of a body may be nested. What goes through a value by recursion, as `JSON.stringify` does, has
 * an end to its stack.
 */
export const deepestJson = 64;

const [quote, backslash, openArray, openObject, closeArray, closeObject] = Buffer.from('"\\[{]}');

/** Whether arrays and objects are nested more than `levels` deep in a JSON text in UTF-8; says nothing of one that is not JSON. */
export function isDeeperThan(levels: number, json: Uint8Array): boolean {
  let depth = 0;
  let inText = false;
  for (let at = 0; at < json.length; at++) {
    const byte = json[at];
    if (inText) {
      if (byte === backslash) at++;
      else if (byte === quote) inText = false;
    } else if (byte === quote) inText = true;
    else if (byte === openArray || byte === openObject) {
      depth++;
      if (depth > levels) return true;
    } else if (byte === closeArray || byte === closeObject) depth--;
  }
  return false;
}
