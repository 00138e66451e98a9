import querystring, { type ParsedUrlQuery } from 'node:querystring';
import { validationProblem } from './validation.ts';

function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * Parses a query string as Express would, but with no limit to its parameters: what is beyond it would be left out without a word.
 * @throws {Problem} 400 for what is not UTF-8 in percent-encoding, which would become other characters without a word
 */
export function parseQuery(text: string | null | undefined): ParsedUrlQuery {
  if (!text) return {};
  if (text.includes('%') && !isDecodable(text)) {
    const names = text
      .split('&')
      .filter((pair) => !isDecodable(pair))
      .map((pair) => querystring.unescape(pair.split('=', 1)[0] ?? ''));
    throw validationProblem(
      names.map((parameter) => ({ parameter, code: 'invalid_text', detail: 'must be UTF-8 in percent-encoding' })),
    );
  }
  const query = querystring.parse(text, '&', '=', { maxKeys: 0 });
  return /\[|%5b/i.test(text) ? withoutBrackets(query) : query;
}

/** `status[]=a&status[]=b` and `status[0]=a`, as axios and others write lists, as `status=a&status=b`. */
function withoutBrackets(query: ParsedUrlQuery): ParsedUrlQuery {
  const lists = new Map<string, string[]>();
  for (const [name, value = []] of Object.entries(query)) {
    const bare = name.replace(/\[\d*\]$/, '');
    lists.set(bare, [lists.get(bare) ?? [], value].flat());
  }
  const single = ([first = '', ...others]: string[]) => (others.length > 0 ? [first, ...others] : first);
  return Object.fromEntries([...lists].map(([name, values]) => [name, single(values)]));
}
