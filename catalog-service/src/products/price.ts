/**
 * A JSON reviver that keeps a price from being rounded before anybody sees it: `19.999999999999999999` is 20 once it is
 * a double. Such a number is handed on as the text it was, which the price's schema then refuses for its decimals.
 */
export function keepExactPrice(key: string, value: unknown, { source }: { source?: string }): unknown {
  if (key !== 'price' || typeof value !== 'number' || source === undefined || /e/i.test(source)) return value;
  const decimals = (text: string) => text.split('.')[1]?.length ?? 0;
  return decimals(source) > 2 && decimals(String(value)) <= 2 && /[1-9]/.test(source.split('.')[1]?.slice(2) ?? '')
    ? source
    : value;
}
