import * as z from 'zod';
import { JsonText } from './json-text.ts';

/** Bytes up to which JSON is indented, before and after: what is nested deep can become twenty times as long. */
const mostIndented = { before: 2 ** 18, after: 2 ** 19 };

/** The parameter of every request that asks for indented JSON, for people; routes do not see it. */
export const prettyParameter = z
  .boolean()
  .optional()
  .meta({
    description: `Indents the JSON of the response, up to ${mostIndented.before / 2 ** 10} KiB of it.`,
  });

/** What its value may be. */
export const prettyValues = ['', 'true', '1', 'false', '0'];

const isPretty = (url: string): boolean => /[?&]_pretty(?:=(?:true|1)?)?(?:&|$)/.test(url);

function indented({ pieces, bytes }: JsonText): JsonText | undefined {
  if (bytes > mostIndented.before) return undefined;
  const text = new JsonText([`${JSON.stringify(JSON.parse(pieces.join('')), null, 2)}\n`]);
  return text.bytes > mostIndented.after ? undefined : text;
}

/** JSON as the response to a URL: with a newline at its end, so that a terminal begins anew; indented where the URL asks for that. */
export function jsonResponse(text: JsonText, url: string): JsonText {
  const pretty = isPretty(url) ? indented(text) : undefined;
  if (pretty) return pretty;
  const { pieces, bytes } = text;
  return new JsonText(pieces.length === 1 ? [`${pieces[0]}\n`] : [...pieces, '\n'], bytes + 1);
}
