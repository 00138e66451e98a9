import type { ErrorRequestHandler } from 'express';
import { syntaxFaultOf } from './json-syntax.ts';
import { type Fault, Problem } from './problem.ts';

/** The codings that a body may be packed in, as body-parser unpacks them. */
const codings = 'gzip, deflate, br, zstd';

/** 400 for a body that is not JSON. */
const notJson = (detail: string, place: Partial<Fault> = {}): Problem =>
  new Problem('invalid_json', `The body ${detail}.`, {
    errors: [{ pointer: '', code: 'invalid_json', detail, ...place }],
  });

/** Where an offset stands in a text: line and column, both counted from 1, the column in UTF-16 units. */
function placeOf(text: string, at: number): { line: number; column: number } {
  const before = text.slice(0, at);
  return { line: before.split('\n').length, column: at - before.lastIndexOf('\n') };
}

/** 400 for a text that `JSON.parse` refuses: it says where, what is expected there, and what there is. */
export function notJsonText(json: string): Problem {
  const fault = syntaxFaultOf(json);
  if (!fault) return notJson('must be JSON');
  const { line, column } = placeOf(json, fault.at);
  const found = json.codePointAt(fault.at);
  const instead = found === undefined ? 'the end of the body' : JSON.stringify(String.fromCodePoint(found));
  return notJson(`is not JSON at line ${line}, column ${column}: expected ${fault.expected}, found ${instead}`, {
    line,
    column,
  });
}

/** 400 for bytes that are not UTF-8: it says where the first of them stands. */
function notUtf8(body: Buffer): Problem {
  const text = body.toString();
  const replacement = '\ufffd';
  let bytes = 0;
  let at = -1;
  for (let from = 0; ; from = at + 1) {
    at = text.indexOf(replacement, from);
    if (at === -1) return notJson('must be in UTF-8');
    bytes += Buffer.byteLength(text.slice(from, at));
    // One that was sent is what it is; any other stands for what could not be read.
    if (body.toString('latin1', bytes, bytes + 3) !== '\u00ef\u00bf\u00bd') break;
    bytes += 3;
  }
  const { line, column } = placeOf(text, at);
  return notJson(`is not in UTF-8 at line ${line}, column ${column}`, { line, column });
}

/** What body-parser raises. Source: https://github.com/expressjs/body-parser#errors */
interface BodyError {
  type?: string;
  status?: number;
  body?: Buffer;
}

/** Turns what body-parser raises into problems that name what is at fault: the coding, the charset or the bytes. */
export const bodyProblems: ErrorRequestHandler = (error: BodyError | Problem, req, _res, next) => {
  if (error instanceof Problem) {
    next(error);
    return;
  }
  const coding = req.headers['content-encoding'];
  const problemOf = (): Problem | undefined => {
    switch (error.type) {
      case 'entity.verify.failed':
        return error.body && notUtf8(error.body);
      case 'encoding.unsupported':
        return new Problem('unsupported_media_type', 'Content-Encoding names a coding that is not supported.', {
          headers: { 'Accept-Encoding': codings },
          errors: [
            {
              header: 'Content-Encoding',
              code: 'invalid_value',
              detail: `must be one of ${codings}`,
              allowed: codings.split(', '),
            },
          ],
        });
      case 'charset.unsupported':
        return new Problem('unsupported_media_type', 'Send the body in UTF-8.', {
          headers: { Accept: 'application/json' },
          errors: [
            {
              header: 'Content-Type',
              code: 'invalid_value',
              detail: 'must have no charset but utf-8',
              allowed: ['utf-8'],
            },
          ],
        });
      case undefined:
        // What unpacks has no types for its errors.
        if (error.status !== 400 || coding === undefined) return undefined;
        return new Problem(
          'invalid_json',
          `The body is not ${coding}, as its Content-Encoding says, or not all of it.`,
          {
            errors: [
              {
                header: 'Content-Encoding',
                code: 'invalid_value',
                detail: `does not fit the body, which is not ${coding}`,
              },
            ],
          },
        );
      default:
        return undefined;
    }
  };
  next(problemOf() ?? error);
};
