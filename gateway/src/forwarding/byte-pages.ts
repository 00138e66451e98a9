/** Bytes of the pages that bytes are kept in. */
const smallestPage = 2 ** 10;
const largestPage = 2 ** 16;

/** A body that comes in pieces of any size, in few pages: of a body in pieces of a byte, each piece would take a hundred. */
export class BytePages {
  readonly #announced: number;
  readonly #pages: Buffer[] = [];
  /** Bytes of the last page that are not used. */
  #free = 0;
  length = 0;
  /** Bytes of memory. */
  capacity = 0;

  /** @param announced bytes that are to come, which may not be true; NaN when nothing is said */
  constructor(announced: number) {
    this.#announced = announced;
  }

  /** Bytes of memory that it has with so many bytes more. */
  capacityWith(bytes: number): number {
    return this.capacity + Math.max(0, this.#nextPage(bytes));
  }

  add(piece: Buffer): void {
    const size = this.#nextPage(piece.length);
    const kept = Math.min(this.#free, piece.length);
    const last = this.#pages.at(-1);
    if (last && kept > 0) piece.copy(last, last.length - this.#free, 0, kept);
    this.#free -= kept;
    if (size > 0) {
      const rest = piece.subarray(kept);
      // The usual case: a page of its own, which need not be copied.
      const page = kept === 0 && size === piece.length ? piece : Buffer.allocUnsafe(size);
      if (page !== piece) rest.copy(page);
      this.#pages.push(page);
      this.#free = size - rest.length;
      this.capacity += size;
    }
    this.length += piece.length;
  }

  whole(): Buffer {
    const whole = this.#pages.length === 1 ? (this.#pages[0] as Buffer) : Buffer.concat(this.#pages);
    return whole.subarray(0, this.length);
  }

  clear(): void {
    this.#pages.length = 0;
  }

  /** Bytes of the page that is needed for so many bytes more; 0 where they fit. It is no larger than what has come, or is to come. */
  #nextPage(bytes: number): number {
    const needed = bytes - this.#free;
    if (needed <= 0) return 0;
    const toCome = this.#announced - this.length - this.#free;
    const roomy = Math.min(largestPage, Math.max(smallestPage, this.length));
    return Math.max(needed, Number.isNaN(toCome) ? roomy : Math.min(roomy, toCome));
  }
}
