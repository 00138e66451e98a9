import * as z from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { prettyParameter } from './json-response.ts';
import { bodyTypes } from './media-types.ts';
import { type ProblemCode, problemCatalogue } from './problem-catalogue.ts';
import { defineRoute, type Route } from './route.ts';

export const apiVersion = '1.0.0';

export type OpenApiDocument = ReturnType<typeof createDocument>;

const fault = z
  .object({
    pointer: z.string().optional().meta({ description: 'JSON pointer into the body (RFC 6901)', example: '/price' }),
    parameter: z.string().optional().meta({ description: 'name of the path or query parameter', example: '_limit' }),
    header: z.string().optional().meta({ description: 'name of the request header', example: 'If-Match' }),
    code: z.string().meta({ description: 'stable name of the fault', example: 'too_large' }),
    detail: z.string().meta({ example: 'must be at most 99999999.99' }),
    allowed: z
      .unknown()
      .optional()
      .meta({ description: 'what is allowed there', example: { maximum: 99999999.99 } }),
    line: z.int().optional().meta({ description: 'the line of the body that is not JSON, counted from 1' }),
    column: z.int().optional().meta({ description: 'the column in that line, counted from 1' }),
    id: z.int().optional().meta({ description: 'the id that holds a duplicate value' }),
    ids: z.array(z.int()).optional().meta({ description: 'the ids that do not exist' }),
  })
  .meta({ id: 'Fault', description: 'One fault of a request.' });

const ofEveryProblem = {
  type: z
    .string()
    .meta({ description: 'path of a page that explains the problem', example: '/problems/validation_failed' }),
  title: z.string().meta({ example: 'The request is not valid' }),
  status: z.int().meta({ example: 400 }),
  detail: z.string().meta({ example: 'One value is not valid: /price must be at most 99999999.99.' }),
  message: z.string().meta({ description: 'the same as `detail`, for clients that look for it here' }),
  code: z.enum(Object.keys(problemCatalogue) as [ProblemCode, ...ProblemCode[]]).meta({ example: 'validation_failed' }),
  errors: z.array(fault).optional().meta({ description: 'every fault; of very many, the first 1,000' }),
  current: z
    .looseObject({})
    .optional()
    .meta({ description: 'with `precondition_failed` and `version_conflict`: the resource as it is now' }),
  available: z.int().optional().meta({ description: 'for `insufficient_stock`: how many there are' }),
};

/** The problem of one operation of several in a request. */
export const itemProblemSchema = z
  .looseObject(ofEveryProblem)
  .meta({ id: 'ItemProblem', description: 'Why one operation was refused; its pointers begin at the whole body.' });

/** RFC 9457. */
export const problemSchema = z
  .looseObject({
    ...ofEveryProblem,
    instance: z.string().meta({ description: 'the request id', example: '7c0c8f0e-6f6b-4a53-8a0f-0d9f5f7f6a11' }),
    items: z
      .array(
        z.object({
          pointer: z.string().meta({ description: 'where the operation stands in the body', example: '/create/3' }),
          status: z.int().meta({ example: 409 }),
          problem: itemProblemSchema,
        }),
      )
      .optional()
      .meta({ description: 'for `batch_failed`: every operation that was refused' }),
    effects: z
      .record(z.string(), z.int())
      .optional()
      .meta({ description: 'what a write of many rows had done, in steps, before this came; it stays done' }),
  })
  .meta({ id: 'Problem', description: 'What went wrong, as RFC 9457 lays it out.' });

/** The problems that any endpoint can answer with. */
const common: ProblemCode[] = [
  'malformed_request',
  'validation_failed',
  'unknown_parameter',
  // A body is read even where none is asked for.
  'invalid_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
  'headers_too_large',
  'internal_error',
  'unavailable',
  'upstream_timeout',
];
/** What the gateway refuses, where the installation has keys or limits. */
const ofGuards: ProblemCode[] = ['unauthenticated', 'forbidden', 'rate_limited'];

const isGuarded = (route: Route): boolean => route.path.startsWith('/api/');

/** Path in OpenAPI's notation: `/api/products/{id}`. */
const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

function repliesOf(route: Route): ZodOpenApiResponsesObject {
  const replies: ZodOpenApiResponsesObject = {};
  for (const [status, reply] of Object.entries(route.replies)) {
    replies[status as `${1 | 2 | 3 | 4 | 5}${string}`] = {
      description: reply.description,
      ...(reply.headers ? { headers: z.object(reply.headers) } : {}),
      content: { [reply.mediaType ?? 'application/json']: { schema: reply.schema } },
    };
  }
  if (route.method === 'get' && 200 in route.replies && !route.replies[200]?.mediaType) {
    replies['304'] = { description: 'The client has it already, as its `If-None-Match` says.' };
  }
  const codes = [...common, ...(isGuarded(route) ? ofGuards : []), ...route.problems];
  for (const status of new Set(codes.map((code) => problemCatalogue[code].status))) {
    const here = codes.filter((code) => problemCatalogue[code].status === status);
    const own = route.replies[status];
    const sentences = here.map((code) => `\`${code}\`: ${problemCatalogue[code].title}.`);
    replies[`${status}` as '400'] = {
      description: [...(own ? [own.description] : []), ...sentences].join(' '),
      content: {
        ...(own ? { 'application/json': { schema: own.schema } } : {}),
        'application/problem+json': { schema: problemSchema },
      },
    };
  }
  return replies;
}

/** A body by the media types that it may have. */
function contentOf({ method, documentedBody, examples }: Route, body: z.ZodType) {
  const types = method === 'patch' ? bodyTypes : ['application/json'];
  const content = { schema: documentedBody ?? body, ...(examples ? { examples } : {}) };
  return Object.fromEntries(types.map((type) => [type, content]));
}

/** The query of a route, with what every response of JSON understands. */
function queryOf({ query, replies }: Route): { query: z.ZodObject } | undefined {
  const isJson = Object.values(replies).some(({ mediaType }) => mediaType === undefined);
  if (!isJson) return query && { query };
  return { query: (query ?? z.strictObject({})).safeExtend({ _pretty: prettyParameter }) };
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description ? { description: route.description } : {}),
    requestParams: {
      ...(route.params ? { path: route.params } : {}),
      ...(queryOf(route) ?? {}),
      ...(route.headers ? { header: route.headers } : {}),
    },
    ...(route.body
      ? {
          requestBody: {
            required: !route.isBodyOptional,
            content: contentOf(route, route.body),
          },
        }
      : {}),
    // The second of them is none at all: whether a key is needed is for the installation to say.
    ...(isGuarded(route) ? { security: [{ key: [] }, {}] } : {}),
    responses: repliesOf(route),
  };
}

const keyScheme = {
  type: 'http',
  scheme: 'bearer',
  description:
    'A key of this installation, where it has keys: one of scope `read` for GET, of scope `write` for everything.',
} as const;

/** The OpenAPI 3.1 document of a table of routes, generated from the very schemas that validate. */
export function openApiDocument(title: string, routes: Route[]): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    const template = templateOf(route.path);
    paths[template] = { ...paths[template], [route.method]: operationOf(route) };
  }
  return createDocument({
    openapi: '3.1.1',
    info: { title, version: apiVersion },
    paths,
    ...(routes.some(isGuarded) ? { components: { securitySchemes: { key: keyScheme } } } : {}),
  });
}

/** `GET /openapi.json`: the description of a service's routes, made once. */
export function openApiRoute(title: string, routes: Route[]): Route {
  const document = openApiDocument(title, routes);
  return defineRoute({
    method: 'get',
    path: '/openapi.json',
    operationId: 'getOpenApi',
    tag: 'service',
    summary: 'This description',
    replies: { 200: { description: 'OpenAPI 3.1', schema: z.looseObject({}) } },
    problems: [],
    handler: async () => ({ status: 200, body: document }),
  });
}
