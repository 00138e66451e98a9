/** Bytes of JSON that a response has at the most, but for a single row that is longer. */
export const responseBytes = 4 * 2 ** 20;
