/** A DATETIME(3) of the database (UTC, `YYYY-MM-DD HH:MM:SS.mmm`) as RFC 3339. */
export const toTimestamp = (datetime: string): string => `${datetime.slice(0, 10)}T${datetime.slice(11)}Z`;
