import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { FieldValue } from './field.ts';

/**
 * Where a page begins: behind a row, with it (`from`), before it, or with it and backwards (`through`). The row is given by its values of the
 * sort's keys, the id among them.
 */
export interface Position {
  direction: 'after' | 'from' | 'before' | 'through';
  values: FieldValue[];
}

const content = z.tuple([
  z.enum(['after', 'from', 'before', 'through']),
  z.array(z.union([z.string(), z.number(), z.null()])),
]);

/**
 * Enough where each guess is a request: one in 2^96 hits, and a cursor that was guessed gives no access, only another place in a
 * list that its holder may read. How hard it is to guess the key does not depend on this length.
 */
const signatureBytes = 12;

/** What is said of every cursor that is not one. */
export const cursorSentence = 'must be a cursor that a Link header of this very list gave';

/**
 * Writes and reads cursors. One is opaque, signed with the first of `keys` and read with any of them, and good for the list that
 * it was given for alone: `subject` is what makes that list (its resource, filters and sort).
 */
export class CursorCodec {
  readonly #keys: () => Buffer[];

  constructor(keys: () => Buffer[]) {
    this.#keys = keys;
  }

  #sign(key: Buffer, payload: string, subject: string): Buffer {
    return createHmac('sha256', key).update(`${subject}\n${payload}`).digest().subarray(0, signatureBytes);
  }

  encode({ direction, values }: Position, subject: string): string {
    const payload = JSON.stringify([direction, values]);
    const [key] = this.#keys();
    if (!key) throw new Error('no key for cursors has been read');
    return Buffer.concat([this.#sign(key, payload, subject), Buffer.from(payload)]).toString('base64url');
  }

  /** The position, or undefined for a cursor that was forged, damaged, or given for another list. */
  decode(cursor: string, subject: string, lengths: number[]): Position | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    const [signature, payload] = [bytes.subarray(0, signatureBytes), bytes.subarray(signatureBytes).toString()];
    const isOf = (key: Buffer) => timingSafeEqual(signature, this.#sign(key, payload, subject));
    if (signature.length < signatureBytes || !this.#keys().some(isOf)) return undefined;
    const parsed = content.safeParse(JSON.parse(payload));
    if (!parsed.success || !lengths.includes(parsed.data[1].length)) return undefined;
    return { direction: parsed.data[0], values: parsed.data[1] };
  }
}
