import type { Request } from 'express';
import type * as z from 'zod';
import type { Fault } from './problem.ts';
import type { ProblemCode } from './problem-catalogue.ts';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** What a handler answers; `body` is sent as JSON, a `JsonText` as it is, piece by piece. */
export interface Reply {
  status: number;
  body?: unknown;
  /** Sent as it is, in the place of a `body`; `headers` then have the `Content-Type`. */
  text?: string;
  /** The version of the resource in `body`, which its entity tag begins with. */
  version?: number;
  headers?: Record<string, string>;
}

/** What a handler receives: the parsed values, apart from the raw request, which stays as it came. */
export interface Input<P, Q, B, H> {
  params: P;
  query: Q;
  headers: H;
  body: B;
  request: Request;
}

/** A documented answer: its shape and the headers that come with it. */
export interface ReplyShape {
  description: string;
  schema: z.ZodType;
  /** `application/json` when absent. */
  mediaType?: string;
  headers?: Record<string, z.ZodType>;
}

/**
 * One endpoint, described once: Express routing, validation and the OpenAPI document all follow from it.
 *
 * @example
 * defineRoute({
 *   method: 'get', path: '/api/products/:id', operationId: 'getProduct', tag: 'products', summary: 'One product',
 *   params: z.object({ id }),
 *   replies: { 200: { description: 'The product.', schema: product } },
 *   problems: ['not_found'],
 *   handler: async ({ params }) => ({ status: 200, body: await store.get(params.id) }),
 * })
 */
export interface Route<
  P extends z.ZodObject | undefined = z.ZodObject | undefined,
  Q extends z.ZodObject | undefined = z.ZodObject | undefined,
  B extends z.ZodType | undefined = z.ZodType | undefined,
  H extends z.ZodObject | undefined = z.ZodObject | undefined,
> {
  method: Method;
  /** The path with `:name` for each path parameter. */
  path: string;
  operationId: string;
  tag: string;
  summary: string;
  description?: string;
  params?: P;
  query?: Q;
  /** The headers that it reads, by their names as they are documented; there may be others. */
  headers?: H;
  body?: B;
  /** It does without a body, which is then an empty object. */
  isBodyOptional?: boolean;
  /** What OpenAPI shows in the place of a `body` that leaves its parts to the handler. */
  documentedBody?: z.ZodType;
  /** Bytes that the body may have, where that is more than the service's limit. */
  bodyLimit?: number;
  /** Example bodies by name, shown in the reference. */
  examples?: Record<string, { summary: string; value: unknown }>;
  /** Faults that no single schema can see, such as an id in the body that is not the id in the path. */
  crossCheck?: (raw: { params: Record<string, unknown>; query: Record<string, unknown>; body: unknown }) => Fault[];
  replies: Record<number, ReplyShape>;
  /** The problems that this endpoint can answer with, beside those that every endpoint can. */
  problems: ProblemCode[];
  handler(input: Input<Output<P>, Output<Q>, Output<B>, Output<H>>): Promise<Reply>;
}

export type Output<S> = S extends z.ZodType ? z.output<S> : undefined;

/** Infers a route's types from its schemas. What it returns can stand in a table with others, whose types differ. */
export function defineRoute<
  P extends z.ZodObject | undefined = undefined,
  Q extends z.ZodObject | undefined = undefined,
  B extends z.ZodType | undefined = undefined,
  H extends z.ZodObject | undefined = undefined,
>(route: Route<P, Q, B, H>): Route {
  return route;
}
