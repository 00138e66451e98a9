import type { ServerResponse } from 'node:http';
import type { ErrorRequestHandler, RequestHandler } from 'express';
import { deepestJson } from './json-depth.ts';
import type { Logger } from './logger.ts';

/**
 * Every kind of problem this system answers with, by its stable `code`. `about` is the text of the page that the
 * gateway serves under the problem's `type`.
 */
export const problemCatalogue = {
  malformed_request: {
    status: 400,
    title: 'The request cannot be read',
    about:
      'The bytes that came are not a request of HTTP/1.1, or one that could be understood in two ways. The connection is closed.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    about: 'The request body could not be read as JSON in UTF-8. Nothing was changed.',
  },
  validation_failed: {
    status: 400,
    title: 'The request is not valid',
    about:
      'One or more values are missing, of the wrong type or out of range. `errors` names every fault. Nothing was changed.',
  },
  unknown_parameter: {
    status: 400,
    title: 'Unknown query parameter',
    about: 'The query string names a parameter that this path does not have. `errors` names each of them.',
  },
  unauthenticated: {
    status: 401,
    title: 'A key is needed',
    about:
      'This installation answers only those who send one of its keys, as `Authorization: Bearer KEY`. There was none, or one that it does not know. Nothing was changed.',
  },
  forbidden: {
    status: 403,
    title: 'The key may not do this',
    about: 'The key is good for reading alone. Nothing was changed.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    about: 'There is no such path, or no resource with this id.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    about: 'The path exists, but not with this method. The `Allow` header lists the methods it has.',
  },
  request_timeout: {
    status: 408,
    title: 'The request took too long to arrive',
    about: 'The request was not complete when its time was over. The connection is closed. Nothing was changed.',
  },
  duplicate: {
    status: 409,
    title: 'The value is already taken',
    about:
      'A value that must be unique belongs to another resource. `errors` names the field and the id that holds the value.',
  },
  version_conflict: {
    status: 409,
    title: 'The resource has moved on',
    about:
      'The `version` in the body is not the version that the resource is at: somebody else has changed it. Nothing was changed. `current` holds the resource as it is now.',
  },
  request_in_progress: {
    status: 409,
    title: 'The same request is still running',
    about:
      'A request with the same `Idempotency-Key` has not ended yet. Send it again after the time in `Retry-After`, with the same key: it is answered with what the first one did.',
  },
  category_not_empty: {
    status: 409,
    title: 'The category has products',
    about:
      'The category was to be deleted only if it had no products (`products=reject`), and it has some. Nothing was changed.',
  },
  category_cycle: {
    status: 409,
    title: 'A category cannot be inside itself',
    about: 'The new parent is the category itself or one of its descendants.',
  },
  insufficient_stock: {
    status: 409,
    title: 'There is not enough in stock',
    about: 'The change would take more than there is. `available` is how many there are. Nothing was changed.',
  },
  precondition_failed: {
    status: 412,
    title: 'The resource is not the one that was read',
    about:
      'No entity tag in `If-Match` is of the version that the resource is at: somebody else has changed it. Nothing was changed. `current` holds the resource as it is now.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    about: 'The request body is larger than this path accepts.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    about: 'Bodies are `application/json` in UTF-8.',
  },
  unknown_reference: {
    status: 422,
    title: 'A referenced resource does not exist',
    about:
      'The request refers to a category, tag or product id that does not exist. `errors` names the field and the ids.',
  },
  batch_failed: {
    status: 422,
    title: 'Operations of the batch were refused',
    about:
      'One or more operations could not be done, and so none was: nothing was changed. `items` has each of them with the problem that it would have met alone, `errors` all their faults. `_on_error=continue` does the others.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'The idempotency key belongs to another request',
    about:
      'The `Idempotency-Key` has been used for a request with another method, path, query or body. Nothing was changed. A new request needs a new key.',
  },
  precondition_required: {
    status: 428,
    title: 'The request must say which version it changes',
    about:
      'This installation refuses a change that could overwrite another. Send the `ETag` that you read in `If-Match`, or its `version` in the body of a PUT or PATCH.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    about:
      'More requests came with this key, or from this address, than are allowed in the time that `RateLimit-Policy` names. Nothing was changed. Try again after the time in `Retry-After`.',
  },
  headers_too_large: {
    status: 431,
    title: 'The URL and the headers are too large',
    about: 'The URL and the headers of a request may have 16 KiB together. The connection is closed.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    about: 'The request failed for a reason that is not yours. The request id under `instance` finds it in the log.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    about: 'A part of the system that this request needs is away. Try again after the time in `Retry-After`.',
  },
  upstream_timeout: {
    status: 504,
    title: 'The answer took too long',
    about:
      'The request did not end in its time: `REQUEST_TIMEOUT_MS`, or less where the client has said so in `X-Request-Timeout-Ms`. `detail` says whether something may have been changed.',
  },
} as const satisfies Record<string, { status: number; title: string; about: string }>;

export type ProblemCode = keyof typeof problemCatalogue;

/** One fault in a request: where it is (`pointer` into the body, `parameter` or `header`), what it is, and what is allowed there. */
export interface Fault {
  pointer?: string;
  parameter?: string;
  header?: string;
  code: string;
  detail: string;
  allowed?: unknown;
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

/**
 * The errors that Express and its body parser raise for a bad request.
 * Source: https://github.com/expressjs/body-parser#errors (`type`), http-errors (`status`).
 */
function fromExpress(error: unknown): Problem | undefined {
  const { type, status, expose } = error as { type?: string; status?: number; expose?: boolean };
  if (error instanceof URIError) return new Problem('validation_failed', 'The URL is malformed.');
  switch (type) {
    case 'entity.parse.failed':
    case 'entity.verify.failed':
    case 'request.size.invalid':
      return notJson();
    case 'entity.too.deep':
      return tooDeep();
    case 'entity.too.large':
      return new Problem('body_too_large', 'The body is larger than this path accepts.');
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new Problem('unsupported_media_type', 'Send the body as application/json in UTF-8.');
    case 'request.aborted':
      return new Problem('invalid_json', 'The request ended before its body was complete.');
  }
  // A body that cannot be unpacked, such as one that says it is gzip but is not.
  if (status === 400 && expose) return notJson();
  return undefined;
}

const notJson = (): Problem =>
  new Problem('invalid_json', 'The body is not valid JSON in UTF-8.', {
    errors: [{ pointer: '', code: 'invalid_json', detail: 'must be JSON in UTF-8' }],
  });

const tooDeep = (): Problem => {
  const detail = `must not be nested more than ${deepestJson} deep`;
  return new Problem('validation_failed', `The body ${detail}.`, {
    errors: [{ pointer: '', code: 'too_deep', detail, allowed: { depth: deepestJson } }],
  });
};

/** Answers a path that no route has. */
export const notFoundHandler: RequestHandler = (req) => {
  throw new Problem('not_found', `There is nothing at ${req.method} ${req.path}.`);
};

/**
 * Answers with a problem, on plain node:http as in Express. A fault of ours (5xx) is logged with its cause, and shows nothing of
 * it; an answer that has already begun cannot be replaced, so its connection is closed.
 */
export function answerProblem(logger: Logger, res: ServerResponse, problem: Problem, request_id: string): void {
  const { status, cause: err } = problem;
  if (status === 500) logger.error({ request_id, err: err ?? problem }, 'request failed');
  // One without a cause is meant, and may come by the thousand: its line among the requests says enough.
  else if (status > 500 && err !== undefined) logger.warn({ request_id, err }, problem.message);
  if (res.headersSent) {
    res.destroy();
    return;
  }
  res.statusCode = status;
  for (const [name, value] of Object.entries(problem.headers)) res.setHeader(name, value);
  // Not Express's `send`, which would make up an entity tag: a problem is no version of anything.
  res.setHeader('Content-Type', 'application/problem+json; charset=utf-8');
  res.end(JSON.stringify(problem.toDocument(request_id)));
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
