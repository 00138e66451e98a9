/** A piece of SQL: a name in backticks, a text in quotes, a word, a number or a sign. */
export type Token = string;

const tokenPattern =
  /`(?:[^`]|``)*`|'(?:[^'\\]|''|\\.)*'|"(?:[^"\\]|""|\\.)*"|[A-Za-z_@$][\w$]*|\d+(?:\.\d+)?(?:e[-+]?\d+)?|<=>|<>|<=|>=|!=|:=|\|\||&&|<<|>>|->>?|\S/g;

/**
 * The tokens of a definition as a server shows it, in the spelling that both servers share: words in lower case, no character
 * set before a text, and what MySQL hides in comments of its version (`INVISIBLE`, `WITH PARSER`) in sight.
 */
export function tokensOf(sql: string): Token[] {
  const tokens = sql.replaceAll(/\/\*M?!\d*|\*\//g, ' ').match(tokenPattern) ?? [];
  const spelled = tokens.map((token) => (/^[A-Za-z_]/.test(token) ? token.toLowerCase() : token));
  return spelled.filter((token, index) => !(token.startsWith('_utf8') && /^['"]/.test(spelled[index + 1] ?? '')));
}

/** How tightly an operator binds; what is no operator is not in it. */
const precedence: Record<string, number> = {
  ...{ or: 1, '||': 1, xor: 2, and: 3, '&&': 3, not: 4, between: 5, case: 5 },
  ...{
    '=': 6,
    '<=>': 6,
    '<': 6,
    '>': 6,
    '<=': 6,
    '>=': 6,
    '<>': 6,
    '!=': 6,
    is: 6,
    like: 6,
    regexp: 6,
    rlike: 6,
    in: 6,
  },
  ...{ '|': 7, '&': 8, '<<': 9, '>>': 9, '+': 10, '-': 10, '*': 11, '/': 11, div: 11, mod: 11, '%': 11, '^': 12 },
};

const associative = new Set(['or', '||', 'and', '&&', '+', '*']);

/** For each opening bracket, where it is closed. */
function closingBrackets(tokens: Token[]): Map<number, number> {
  const open: number[] = [];
  const pairs = new Map<number, number>();
  for (const [index, token] of tokens.entries()) {
    if (token === '(') open.push(index);
    if (token === ')') pairs.set(open.pop() ?? 0, index);
  }
  return pairs;
}

/** Whether the brackets at `start` and `end` change nothing of what the expression means. */
function areIdle(tokens: Token[], start: number, end: number, pairs: Map<number, number>): boolean {
  const [before = '', after = ''] = [tokens[start - 1], tokens[end + 1]];
  // Those of a call or of a list.
  if (before === 'in' || (/^[`A-Za-z_@$]/.test(before) && !(before in precedence))) return false;
  let [loosest, operator] = [Number.POSITIVE_INFINITY, ''];
  for (let index = start + 1; index < end; index++) {
    const token = tokens[index] ?? '';
    if (token === ',') return false;
    if (token === '(') index = pairs.get(index) ?? index;
    else if ((precedence[token] ?? loosest) < loosest) [loosest, operator] = [precedence[token] ?? loosest, token];
  }
  const neighbours = Math.max(precedence[before] ?? 0, precedence[after] ?? 0);
  return (
    loosest > neighbours ||
    (associative.has(operator) && [before, after].every((one) => one === operator || !(one in precedence)))
  );
}

/** An expression without the brackets that change nothing: MySQL shows one pair around each operation, MariaDB few. */
export function withoutIdleBrackets(given: Token[]): Token[] {
  let tokens = given;
  for (;;) {
    const pairs = closingBrackets(tokens);
    const idle = [...pairs].find(([start, end]) => areIdle(tokens, start, end, pairs));
    if (!idle) return tokens;
    tokens = tokens.filter((_, index) => index !== idle[0] && index !== idle[1]);
  }
}

/** Words that are followed by a space where brackets come. */
const spaced = new Set([...Object.keys(precedence), 'as', 'check', 'default', 'key']);

/** Tokens as SQL. */
export function textOf(tokens: Token[]): string {
  let text = '';
  for (const [index, token] of tokens.entries()) {
    const before = tokens[index - 1] ?? '(';
    const isCall = token === '(' && /^[A-Za-z_]/.test(before) && !spaced.has(before);
    text += token === ',' || token === ')' || before === '(' || isCall ? token : ` ${token}`;
  }
  return text;
}
