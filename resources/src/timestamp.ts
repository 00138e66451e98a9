/**
 * A DATETIME(3) of the database (UTC, `YYYY-MM-DD HH:MM:SS.mmm`) as RFC 3339. MySQL leaves the milliseconds out of a prepared
 * statement's rows when they are zero.
 */
export const toTimestamp = (datetime: string): string =>
  `${datetime.slice(0, 10)}T${datetime.slice(11, 19)}.${datetime.slice(20, 23).padEnd(3, '0')}Z`;
