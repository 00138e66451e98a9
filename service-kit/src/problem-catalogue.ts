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
  not_acceptable: {
    status: 406,
    title: 'Nothing that is wanted is to be had',
    about: 'The path has nothing of a media type that the `Accept` header allows.',
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
      'No entity tag in `If-Match` is of the version that the resource is at: somebody else has changed it. Nothing was changed. Where it is a resource of the API, `current` holds it as it is now.',
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
  range_not_satisfiable: {
    status: 416,
    title: 'The range is beyond the end',
    about: '`Range` asks for bytes that the file does not have. `Content-Range` says how many it has.',
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
    about:
      'A part of the system that this request needs is away or busy. Try again after the time in `Retry-After`. Where `errors` has entries with the code `expensive`, too many requests as expensive as this one are running: they say what to change so that it is cheap.',
  },
  upstream_timeout: {
    status: 504,
    title: 'The answer took too long',
    about:
      'The request did not end in its time: `REQUEST_TIMEOUT_MS`, or less where the client has said so in `X-Request-Timeout-Ms`. `detail` says whether something may have been changed.',
  },
} as const satisfies Record<string, { status: number; title: string; about: string }>;

export type ProblemCode = keyof typeof problemCatalogue;
