/** Largest body of a request, in bytes. */
export const bodyLimit = 2 ** 20;

/** Largest body of a batch, in bytes. */
export const batchBodyLimit = 8 * 2 ** 20;
