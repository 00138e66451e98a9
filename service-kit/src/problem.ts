import type { ServerResponse } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { isLargelyUnread } from './early-answer.ts';
import { noteCause } from './failure-cause.ts';
import { jsonResponse } from './json-response.ts';
import { JsonText } from './json-text.ts';
import type { Logger } from './logger.ts';
import { type ProblemCode, problemCatalogue } from './problem-catalogue.ts';

/** One fault in a request: where it is (`pointer` into the body, `parameter` or `header`), what it is, and what is allowed there. */
export interface Fault {
  pointer?: string;
  parameter?: string;
  header?: string;
  code: string;
  detail: string;
  allowed?: unknown;
  /** For `invalid_json`: where it is in the body, counted from 1. */
  line?: number;
  column?: number;
  /** For `duplicate`: the id of the resource that holds the value. */
  id?: number;
  /** For `unknown_reference`: the ids that do not exist. */
  ids?: number[];
}

/**
 * An error with a status and a stable code, thrown anywhere and formatted once by {@link problemHandler} as an
 * RFC 9457 document.
 */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: Fault[] | undefined;
  readonly headers: Record<string, string>;
  readonly members: Record<string, unknown>;

  /** @param options.members further members of the document, as RFC 9457 allows them */
  constructor(
    code: ProblemCode,
    detail: string,
    options: {
      errors?: Fault[];
      headers?: Record<string, string>;
      members?: Record<string, unknown>;
      cause?: unknown;
    } = {},
  ) {
    super(detail, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.status = problemCatalogue[code].status;
    this.errors = options.errors;
    this.headers = options.headers ?? {};
    this.members = options.members ?? {};
  }

  /** The problem's JSON document; `instance` is the request id, by which the log finds the request. A part of one has none. */
  toDocument(instance?: string): Record<string, unknown> {
    return {
      type: `/problems/${this.code}`,
      title: problemCatalogue[this.code].title,
      status: this.status,
      detail: this.message,
      // The same under the name by which many clients look for it, such as refine's.
      message: this.message,
      ...(instance === undefined ? {} : { instance }),
      code: this.code,
      ...(this.errors ? { errors: this.errors } : {}),
      ...this.members,
    };
  }
}

/** 503 with the `Retry-After` (seconds) that every client should honour. */
export function unavailable(detail: string, cause?: unknown): Problem {
  return new Problem('unavailable', detail, { headers: { 'Retry-After': '1' }, cause });
}

/** Turns an error that is not a {@link Problem} into one, or leaves it (undefined). */
export type ErrorTranslator = (error: unknown) => Problem | undefined;

/** What a library refuses of a client by nothing but a status. */
const refusals: Record<number, [code: ProblemCode, detail: string]> = {
  404: ['not_found', 'There is nothing here.'],
  406: ['not_acceptable', 'No available representation matches the Accept header.'],
  412: ['precondition_failed', 'The file does not meet the preconditions in the headers.'],
  413: ['body_too_large', 'The body is larger than this path accepts.'],
  415: ['unsupported_media_type', 'Send the body as application/json in UTF-8.'],
  416: ['range_not_satisfiable', 'The range starts beyond the end of the file.'],
};

/** What an error says to whoever answers it, as `http-errors` makes them. */
interface HttpError {
  type?: string;
  status?: number;
  expose?: boolean;
  headers?: Record<string, string>;
}

/**
 * The errors that Express, its body parser and its file server raise for a bad request.
 * Source: https://github.com/expressjs/body-parser#errors (`type`), http-errors (`status`).
 */
function fromExpress(error: unknown): Problem | undefined {
  const { type, status = 500, expose, headers = {} } = error as HttpError;
  if (error instanceof URIError) return new Problem('validation_failed', 'The path is not UTF-8 in percent-encoding.');
  switch (type) {
    case 'entity.too.large':
      return new Problem('body_too_large', 'The body is larger than this path accepts.');
    case 'request.aborted':
      return new Problem('invalid_json', 'The request ended before its body was complete.');
  }
  if (!expose || status < 400 || status >= 500) return undefined;
  const [code, detail] = refusals[status] ?? [];
  return new Problem(code ?? 'malformed_request', detail ?? 'The request cannot be understood.', { headers });
}

/** 404 for a path that no route has. */
export const nothingAt = (method: string, path: string): Problem =>
  new Problem('not_found', `There is nothing at ${method} ${path}.`);

/** Answers a path that no route has. */
export const notFoundHandler: RequestHandler = (req) => {
  throw nothingAt(req.method, req.path);
};

/**
 * Answers with a problem, on plain node:http as in Express. A fault of ours (5xx) goes to the log with its cause, a 500 with its stack, and
 * shows nothing of it; an answer that has already begun cannot be replaced, so its connection is closed.
 */
export function answerProblem(logger: Logger, res: ServerResponse, problem: Problem, request_id: string): void {
  const { status, cause: err } = problem;
  if (status === 500) logger.error({ request_id, err: err ?? problem }, 'request failed');
  else if (status > 500 && err !== undefined) noteCause(res.req, err);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.statusCode = status;
  if (isLargelyUnread(res.req)) res.setHeader('Connection', 'close');
  // Of what was to be answered instead.
  for (const name of ['Cache-Control', 'ETag', 'Last-Modified']) res.removeHeader(name);
  for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value);
  // Not Express's `send`, which would make up an entity tag: a problem is no version of anything.
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  const text = new JsonText([JSON.stringify(problem.toDocument(request_id))]);
  res.end(jsonResponse(text, res.req.url ?? '').pieces[0]);
}

/** The one place where errors become answers. */
export function problemHandler(logger: Logger, translators: ErrorTranslator[] = []): ErrorRequestHandler {
  return (error, req, res, _next) => {
    let problem: Problem | undefined = error instanceof Problem ? error : undefined;
    for (const translate of [...translators, fromExpress]) problem ??= translate(error);
    problem ??= new Problem('internal_error', 'The request could not be completed.', { cause: error });
    answerProblem(logger, res, problem, String(req.headers['x-request-id']));
  };
}
