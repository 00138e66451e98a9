/** Collects the values of a statement; what a client sent reaches SQL in no other way. */
export class Binder {
  readonly values: unknown[] = [];

  /** The placeholder for a value. */
  add(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  /** The placeholders for several values, separated by commas. */
  list(values: readonly unknown[]): string {
    return values.map((value) => this.add(value)).join(', ');
  }
}
