import type { ProblemCode } from '@shop/service-kit/problem-catalogue.ts';
import type { Route } from '@shop/service-kit/route.ts';
import type * as z from 'zod';
import type { ListDeclaration } from './list/declaration.ts';
import type { ResourceStore } from './resource-store.ts';
import type { Effects } from './write/steps.ts';

/** What a resource is called and made of. */
export interface ResourceDescription<
  Shape extends z.ZodObject,
  C extends z.ZodType,
  U extends z.ZodObject,
  R extends z.ZodType<{ effects: Effects }>,
> {
  singular: string;
  plural: string;
  list: ListDeclaration;
  /** As answered. */
  shape: Shape;
  /** As answered by a delete. */
  removed: R;
  /** What a delete can be told, and why it may be refused, beyond what is so for all resources. */
  removal?: { query?: z.ZodObject; crossCheck?: NonNullable<Route['crossCheck']>; problems?: ProblemCode[] };
  create: C;
  update: U;
  examples: { create: unknown; update: unknown };
  store: ResourceStore<z.output<Shape> & { id: number }, z.output<C>, z.output<U>, z.output<R>>;
}
