/** Where a text stops being JSON, as an offset into it, and what JSON would have there. */
export interface SyntaxFault {
  at: number;
  expected: string;
}

/** Thrown at the first fault, out of whatever it is nested in. */
class Unexpected extends Error implements SyntaxFault {
  readonly at: number;
  readonly expected: string;

  constructor(at: number, expected: string) {
    super(expected);
    this.at = at;
    this.expected = expected;
  }
}

const space = /[ \t\n\r]*/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/iy;
const escaped = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y;
const words = ['true', 'false', 'null'];

/**
 * Finds the first fault of a text that `JSON.parse` refuses, whose own message often has no position.
 * It goes as deep as the text is nested: that has to be bounded before.
 */
export function syntaxFaultOf(json: string): SyntaxFault | undefined {
  let at = 0;

  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(json);
    if (found) at = pattern.lastIndex;
    return found !== null;
  };
  const expect = (character: string, expected: string): void => {
    if (json[at] !== character) throw new Unexpected(at, expected);
    at++;
  };

  function text(): void {
    at++;
    while (json[at] !== '"') {
      if (at >= json.length) throw new Unexpected(at, '" at the end of a text');
      if (json[at] === '\\') {
        if (!take(escaped)) throw new Unexpected(at, 'an escape such as \\n or \\u00e9');
      } else if (json.charCodeAt(at) < 0x20) {
        throw new Unexpected(at, 'a character or its escape, such as \\n');
      } else at++;
    }
    at++;
  }

  /** What stands between brackets: `one` reads each element. */
  function elements(close: string, one: (isFirst: boolean) => void): void {
    at++;
    take(space);
    if (json[at] === close) {
      at++;
      return;
    }
    for (let isFirst = true; ; isFirst = false) {
      one(isFirst);
      take(space);
      if (json[at] === close) break;
      expect(',', `, or ${close}`);
      take(space);
    }
    at++;
  }

  function member(isFirst: boolean): void {
    if (json[at] !== '"')
      throw new Unexpected(at, isFirst ? 'a name in double quotes, or }' : 'a name in double quotes');
    text();
    take(space);
    expect(':', ': after a name');
    value('a value');
  }

  function value(expected: string): void {
    take(space);
    const word = words.find((one) => json.startsWith(one, at));
    if (json[at] === '{') elements('}', member);
    else if (json[at] === '[') elements(']', (isFirst) => value(isFirst ? 'a value, or ]' : 'a value'));
    else if (json[at] === '"') text();
    else if (word) at += word.length;
    else if (!take(number)) throw new Unexpected(at, expected);
    else if (/[\d.e+-]/i.test(json[at] ?? '')) throw new Unexpected(at, 'the rest of a number such as 10, 0.5 or 1e3');
  }

  try {
    value('a value');
    take(space);
    return at < json.length ? { at, expected: 'the end of the body' } : undefined;
  } catch (error) {
    if (error instanceof Unexpected) return error;
    throw error;
  }
}
