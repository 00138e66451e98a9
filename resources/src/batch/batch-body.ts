import { inPieces } from '@shop/service-kit/pieces.ts';
import { faultsAt, type Parsed, parseBody, validationProblem } from '@shop/service-kit/validation.ts';
import * as z from 'zod';
import { expectedVersion, id } from '../fields.ts';

/** How many operations a batch may hold in all. */
export const mostOperations = 1_000;

const operations = z.array(z.unknown()).default([]);

/** A batch whose operations are not looked at yet: each is parsed by itself, so that one that is wrong spoils no other. */
export const batchBody = z
  .strictObject({ create: operations, update: operations, delete: operations })
  .refine((batch) => batch.create.length + batch.update.length + batch.delete.length <= mostOperations, {
    error: `must have at most ${mostOperations} operations in all`,
    params: { code: 'too_long', allowed: { maximum: mostOperations } },
  });

const removal = z.strictObject({ id, version: expectedVersion });
type Removal = z.output<typeof removal>;
const bareRemoval = id.transform((bare): Removal => ({ id: bare }));

/** What the operations of a resource's batch look like. */
export interface OperationSchemas<C extends z.ZodType, U extends z.ZodObject> {
  create: C;
  /** A change, and the id of what it changes. */
  update: U;
}

/** A change as {@link OperationSchemas} has it, from that of a single resource. */
export const changeWithId = (update: z.ZodObject, name: string) =>
  update.extend({ id }).meta({ id: `${name}Change`, description: 'A change, and the id of what it changes.' });

/** A batch as OpenAPI shows it. */
export const documentedBatch = ({ create, update }: OperationSchemas<z.ZodType, z.ZodObject>) =>
  z
    .strictObject({
      create: z.array(create).max(mostOperations),
      update: z.array(update).max(mostOperations),
      delete: z.array(z.union([id, removal])).max(mostOperations),
    })
    .partial()
    .meta({ description: `At most ${mostOperations} operations in all.` });

/** An operation at its place in the body, or what is wrong with it; its faults are those of the body. */
export type Operation<T> = { pointer: string } & Parsed<T>;

export interface ParsedBatch<Create, Update> {
  create: Operation<Create>[];
  update: Operation<Update>[];
  remove: Operation<Removal>[];
}

/** Parses every operation of a batch, in pieces. */
export async function parseBatch<C extends z.ZodType, U extends z.ZodObject>(
  body: z.output<typeof batchBody>,
  { create, update }: OperationSchemas<C, U>,
): Promise<ParsedBatch<z.output<C>, z.output<U>>> {
  const rest = inPieces();
  async function parseAll<S extends z.ZodType>(
    name: keyof typeof body,
    schemaOf: (raw: unknown) => S,
  ): Promise<Operation<z.output<S>>[]> {
    const operations: Operation<z.output<S>>[] = [];
    for (const [index, raw] of body[name].entries()) {
      const pointer = `/${name}/${index}`;
      const parsed = parseBody(schemaOf(raw), raw);
      operations.push(parsed.faults ? { pointer, faults: faultsAt(pointer, parsed.faults) } : { pointer, ...parsed });
      await rest();
    }
    return operations;
  }
  return {
    create: await parseAll('create', () => create),
    update: await parseAll('update', () => update),
    remove: await parseAll(
      'delete',
      (raw): z.ZodType<Removal> => (typeof raw === 'object' && raw !== null ? removal : bareRemoval),
    ),
  };
}

/** @throws {Problem} 400 that names every fault of every operation */
export function refuseFaults(batch: ParsedBatch<unknown, unknown>): void {
  const faults = Object.values(batch).flatMap((operations: Operation<unknown>[]) =>
    operations.flatMap((operation) => operation.faults ?? []),
  );
  if (faults.length > 0) throw validationProblem(faults);
}
