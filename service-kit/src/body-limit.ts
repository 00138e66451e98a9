/** Largest body of a request, in bytes. */
export const bodyLimit = 2 ** 20;

/** Largest body of a batch, in bytes. */
export const batchBodyLimit = 8 * 2 ** 20;

/** Bytes from which a body may take long enough for others to notice: few of them are worked on at a time. */
export const largeBody = 2 ** 17;
