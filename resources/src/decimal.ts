/** A decimal number written out: its digits, without needless zeros. */
export interface Decimal {
  isNegative: boolean;
  /** At least one digit. */
  whole: string;
  fraction: string;
}

const pattern = /^(-?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:e([+-]?\d+))?$/i;

/** How many places an exponent moves the point past a number's own digits at most: without a bound `1e999999999` would be a gigabyte of zeros. */
const farOff = 40;

/** Reads a number exactly, digit by digit: `14.99`, `.5`, `1e1`, `19.990`. Undefined for what is none. */
export function parseDecimal(text: string): Decimal | undefined {
  const parts = pattern.exec(text);
  if (!parts) return undefined;
  const [, sign, whole = '', decimals = '', alone = '', exponent = '0'] = parts;
  const farthest = text.length + farOff;
  const shift = Math.max(-farthest, Math.min(Number(exponent), farthest));
  const digits = `${'0'.repeat(Math.max(0, -shift))}${whole}${decimals}${alone}`.padEnd(whole.length + shift, '0');
  const point = whole.length + Math.max(0, -shift) + shift;
  let end = digits.length;
  while (end > point && digits[end - 1] === '0') end--;
  return {
    isNegative: sign === '-' && /[1-9]/.test(digits),
    whole: digits.slice(0, point).replace(/^0+/, '') || '0',
    fraction: digits.slice(point, end),
  };
}
