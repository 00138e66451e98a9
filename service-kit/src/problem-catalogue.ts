/**
 * Every kind of problem of this system, by its stable `code`. `about` is the text of the page that the
 * gateway serves under the problem's `type`.
 */
export const problemCatalogue = {
  malformed_request: {
    status: 400,
    title: 'Malformed request',
    about:
      'The bytes received are not a valid HTTP/1.1 request, or could be understood in two ways. The connection is closed.',
  },
  invalid_json: {
    status: 400,
    title: 'The body is not valid JSON',
    about: 'The request body is not valid JSON in UTF-8. Nothing was changed.',
  },
  validation_failed: {
    status: 400,
    title: 'The request is not valid',
    about:
      'One or more values are missing, of the wrong type or out of range. `errors` lists all of them. Nothing was changed.',
  },
  unknown_parameter: {
    status: 400,
    title: 'Unknown query parameter',
    about: 'The query string has parameters that this path does not support. `errors` lists all of them.',
  },
  unauthenticated: {
    status: 401,
    title: 'API key required',
    about:
      'This installation requires an API key: `Authorization: Bearer KEY`. The request had none, or an unknown one. Nothing was changed.',
  },
  forbidden: {
    status: 403,
    title: 'Insufficient scope',
    about: 'The API key allows reading only. Nothing was changed.',
  },
  not_found: {
    status: 404,
    title: 'Not found',
    about: 'There is no such path, or no resource with this id.',
  },
  method_not_allowed: {
    status: 405,
    title: 'Method not allowed',
    about: 'The path exists but does not support this method. The `Allow` header lists the methods that it supports.',
  },
  not_acceptable: {
    status: 406,
    title: 'Not acceptable',
    about: 'No available representation matches the `Accept` header.',
  },
  request_timeout: {
    status: 408,
    title: 'Request timeout',
    about: 'The request was not received in time. The connection is closed. Nothing was changed.',
  },
  duplicate: {
    status: 409,
    title: 'The value is already taken',
    about:
      'A value that must be unique belongs to another resource. `errors` names the field and the id of that resource.',
  },
  version_conflict: {
    status: 409,
    title: 'The resource has changed',
    about:
      'The `version` in the body is not the current version: another request has changed the resource. Nothing was changed. `current` holds the resource as it is now.',
  },
  request_in_progress: {
    status: 409,
    title: 'The same request is still running',
    about:
      'The first request with this `Idempotency-Key` is still running. After the time in `Retry-After`, repeat the request with the same key to get its response.',
  },
  category_not_empty: {
    status: 409,
    title: 'The category has products',
    about:
      'The request deletes the category only if it has no products (`products=reject`), but it has some. Nothing was changed.',
  },
  category_cycle: {
    status: 409,
    title: 'A category cannot be inside itself',
    about: 'The new parent is the category itself or one of its descendants.',
  },
  insufficient_stock: {
    status: 409,
    title: 'Insufficient stock',
    about: 'The request takes more than is in stock. `available` is the current stock. Nothing was changed.',
  },
  precondition_failed: {
    status: 412,
    title: 'Precondition failed',
    about:
      'No entity tag in `If-Match` matches the current version: another request has changed the resource. Nothing was changed. For a resource of the API, `current` holds it as it is now.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    about: 'The request body is larger than this path accepts.',
  },
  unsupported_media_type: {
    status: 415,
    title: 'Unsupported media type',
    about: 'Bodies must be `application/json` or `application/merge-patch+json`, in UTF-8.',
  },
  range_not_satisfiable: {
    status: 416,
    title: 'Range not satisfiable',
    about: 'The `Range` starts beyond the end of the file. `Content-Range` holds its length.',
  },
  unknown_reference: {
    status: 422,
    title: 'A referenced resource does not exist',
    about:
      'The request refers to a category, tag or product id that does not exist. `errors` names the field and the ids.',
  },
  batch_failed: {
    status: 422,
    title: 'The batch failed',
    about:
      'At least one operation failed, so none was applied. `items` lists the failed operations, each with the problem that it would have met alone; `errors` lists all their field errors. With `_on_error=continue` the other operations are applied.',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency key reused',
    about:
      'This `Idempotency-Key` was used for a request with another method, path, query or body. Nothing was changed. Use a new key for a new request.',
  },
  precondition_required: {
    status: 428,
    title: 'Precondition required',
    about:
      'This installation refuses a change that could overwrite another one. Send the `ETag` that you read as `If-Match`, or its `version` in the body of a PUT or PATCH.',
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    about:
      'This API key or address has sent more requests than `RateLimit-Policy` allows. Nothing was changed. Try again after the time in `Retry-After`.',
  },
  headers_too_large: {
    status: 431,
    title: 'The URL and the headers are too large',
    about: 'The URL and the headers of a request may have 16 KiB together. The connection is closed.',
  },
  internal_error: {
    status: 500,
    title: 'Internal error',
    about: 'The request failed because of an error in the system. The request id in `instance` finds it in the log.',
  },
  unavailable: {
    status: 503,
    title: 'Temporarily unavailable',
    about:
      'Part of the system that this request needs is down or at capacity. Try again after the time in `Retry-After`. Where `errors` has entries with the code `expensive`, too many expensive requests are running: each entry says how to make this one cheap.',
  },
  upstream_timeout: {
    status: 504,
    title: 'Timeout',
    about:
      'The request exceeded its deadline: `REQUEST_TIMEOUT_MS`, or less where the client sent `X-Request-Timeout-Ms`. `detail` says whether something may have been changed.',
  },
} as const satisfies Record<string, { status: number; title: string; about: string }>;

export type ProblemCode = keyof typeof problemCatalogue;
