import { createHmac, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import type { FieldValue } from './field.ts';

/**
 * Where a page begins: behind a row, before it, or with it and backwards (`through`). The row is given by its values of the
 * sort's keys, the id among them.
 */
export interface Position {
  direction: 'after' | 'before' | 'through';
  values: FieldValue[];
}

const content = z.tuple([z.enum(['after', 'before', 'through']), z.array(z.union([z.string(), z.number(), z.null()]))]);

const signatureBytes = 12;

/** What is said of every cursor that is not one. */
export const cursorSentence = 'must be a cursor that a Link header of this very list gave';

/**
 * Writes and reads cursors. One is opaque, signed with `key`, and good for the list that it was given for alone: `subject`
 * is what makes that list (its resource, filters and sort).
 */
export class CursorCodec {
  readonly #key: string;

  constructor(key: string) {
    this.#key = key;
  }

  #sign(payload: string, subject: string): Buffer {
    return createHmac('sha256', this.#key).update(`${subject}\n${payload}`).digest().subarray(0, signatureBytes);
  }

  encode({ direction, values }: Position, subject: string): string {
    const payload = JSON.stringify([direction, values]);
    return Buffer.concat([this.#sign(payload, subject), Buffer.from(payload)]).toString('base64url');
  }

  /** The position, or undefined for a cursor that was forged, damaged, or given for another list. */
  decode(cursor: string, subject: string, length: number): Position | undefined {
    const bytes = Buffer.from(cursor, 'base64url');
    const [signature, payload] = [bytes.subarray(0, signatureBytes), bytes.subarray(signatureBytes).toString()];
    if (signature.length < signatureBytes || !timingSafeEqual(signature, this.#sign(payload, subject)))
      return undefined;
    const parsed = content.safeParse(JSON.parse(payload));
    if (!parsed.success || parsed.data[1].length !== length) return undefined;
    return { direction: parsed.data[0], values: parsed.data[1] };
  }
}
