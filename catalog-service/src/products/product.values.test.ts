import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startTestService, type TestService } from '@shop/testing/service.ts';
import { catalogService } from '../app.ts';
import { unique } from './testing.ts';

let service: TestService;
beforeAll(async () => {
  service = await startTestService(catalogService);
});
afterAll(() => service.stop());

const create = (fields: Record<string, unknown>) =>
  service.post('/api/products', { product_name: unique('Product'), price: 1, ...fields });

/** Creates a product with one field, given as the very text that stands in the JSON, and reads it again. */
async function stored(field: string, text: string) {
  const created = await sendText(field, text);
  const { body } = await service.get(`/api/products/${created.body.id}`);
  return { status: created.status, value: body[field] };
}
const sendText = (field: string, text: string) => {
  const fields = { product_name: `"${unique('Product')}"`, price: '1', [field]: text };
  const body = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return service.post('/api/products', `{${body.join(',')}}`, { headers: { 'Content-Type': 'application/json' } });
};

describe('price', () => {
  test.each([
    ['0', 0],
    ['-0', 0],
    ['0.07', 0.07],
    ['0.1', 0.1],
    ['1.10', 1.1],
    ['1.1000', 1.1],
    ['19.99', 19.99],
    ['1234567.89', 1_234_567.89],
    ['99999999.99', 99_999_999.99],
    ['1e2', 100],
    ['"14.99"', 14.99],
    ['" 14.9 "', 14.9],
    ['"99999999.99"', 99_999_999.99],
    ['"1e2"', 100],
    ['1250e-2', 12.5],
    ['"19.990"', 19.99],
    ['"12000e-3"', 12],
    ['".5"', 0.5],
    ['"007.00"', 7],
    ['"0e99999999999"', 0],
  ])('When the price is %s, then it is stored exactly', async (text, value) => {
    expect(await stored('price', text)).toEqual({ status: 201, value });
  });

  test.each([
    ['1.999', 'too_precise'],
    ['"1.999"', 'too_precise'],
    ['19.999999999999999999', 'too_precise'],
    ['"19.999999999999999999"', 'too_precise'],
    ['99999999.990000000001', 'too_precise'],
    ['1e-7', 'too_precise'],
    ['1999999999999999999999e-20', 'too_precise'],
    ['-1', 'too_small'],
    ['-0.01', 'too_small'],
    ['100000000', 'too_large'],
    ['1e21', 'too_large'],
    ['"abc"', 'invalid_type'],
    ['"0x10"', 'invalid_type'],
    ['""', 'invalid_type'],
    ['null', 'invalid_type'],
    ['true', 'invalid_type'],
    ['[1]', 'invalid_type'],
    ['{}', 'invalid_type'],
  ])('When the price is %s, then it is refused as %s', async (text, code) => {
    const { status, body } = await sendText('price', text);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/price', code }]);
  });
});

describe('stock', () => {
  test.each(['0', '2147483647'])('When the stock is %s, then it is stored', async (text) => {
    expect(await stored('stock', text)).toEqual({ status: 201, value: Number(text) });
  });

  test.each([
    ['-1', 'too_small'],
    ['2147483648', 'too_large'],
    ['1.5', 'invalid_type'],
    ['"3"', 'invalid_type'],
    ['null', 'invalid_type'],
    ['1e400', 'invalid_type'],
  ])('When the stock is %s, then it is refused as %s', async (text, code) => {
    const { status, body } = await sendText('stock', text);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/stock', code }]);
  });
});

describe('text', () => {
  test('When a name has 255 emoji, then it is stored', async () => {
    const name = '😀'.repeat(255);

    expect((await create({ product_name: name })).body.product_name).toBe(name);
  });

  test('When a name has 256 emoji, then it is too long', async () => {
    const { status, body } = await create({ product_name: '😀'.repeat(256) });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/product_name', code: 'too_long', allowed: { maximum: 255 } }]);
  });

  test('When a name of 255 letters is used twice, then the second slug still fits', async () => {
    const name = 'y'.repeat(255);
    await create({ product_name: name });

    expect((await create({ product_name: name })).body.slug).toMatch(/^y+-2$/);
  });

  test.each([
    ['', 'too_short'],
    [' \t ', 'too_short'],
    ['x'.repeat(65), 'too_long'],
    [7, 'invalid_type'],
  ])('When the sku is %j, then it is refused as %s', async (sku, code) => {
    const { status, body } = await create({ sku });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/sku', code }]);
  });

  test('When the sku has 64 characters and spaces around it, then it is stored without those', async () => {
    const sku = 'ü'.repeat(64);

    expect((await create({ sku: ` ${sku} ` })).body.sku).toBe(sku);
  });

  test.each([
    ['product_name', '/product_name', 'cut \ud83d'],
    ['description', '/description', '\ude00 off'],
    ['sku', '/sku', 'A\ud83d'],
    ['image_urls', '/image_urls/0', ['https://example.com/\ud83d.jpg']],
    ['metadata', '/metadata', { note: '\ud83d' }],
    ['metadata', '/metadata', { '\ude00': 1 }],
    ['metadata', '/metadata', { list: [{ deep: ['\ud83d'] }] }],
  ])('When half of a surrogate pair stands in %s (%s), then it is refused', async (field, pointer, value) => {
    const { status, body } = await create({ [field]: value });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer }]);
  });

  test('When a description is long and in many scripts, then it is stored as it was', async () => {
    const description = 'Größe · размер · サイズ · 😀\n\u0000'.repeat(1_000);

    const { status, value } = await stored('description', JSON.stringify(description));

    expect(status).toBe(201);
    expect(value === description).toBe(true);
  });
});

describe('metadata', () => {
  /** An object in an object …, `depth` of them. */
  const nested = (depth: number): string => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  /** An object that is `bytes` long as JSON. */
  const sized = (bytes: number): string => JSON.stringify({ a: 'x'.repeat(bytes - '{"a":""}'.length) });

  /** As text, with the keys in order: MySQL keeps them in an order of its own. */
  const canonical = (value: unknown): string =>
    JSON.stringify(value, (_, part) =>
      typeof part === 'object' && part !== null && !Array.isArray(part)
        ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : part,
    );

  test.each([
    ['every kind of value', '{"text":"ü 😀","n":[1,-2.5,1e-7,1.5e300],"yes":true,"no":false,"none":null,"o":{"":{}}}'],
    ['a key __proto__', '{"__proto__":{"admin":true},"constructor":{"prototype":1},"toString":"x"}'],
    ['a nested __proto__', '{"a":{"__proto__":{"b":[{"__proto__":null}]}}}'],
    ['keys with dots and quotes', '{"a.b":1,"$1":"$2","it\'s":"\\"\\\\","":0}'],
    ['a string that looks like JSON', '{"text":"{\\"a\\":1}"}'],
    ['16 levels', nested(16)],
    ['16 KiB', sized(16_384)],
  ])('When it holds %s, then it comes back as it was sent', async (_, text) => {
    const { status, value } = await stored('metadata', text);

    expect(status).toBe(201);
    expect(canonical(value)).toBe(canonical(JSON.parse(text)));
  });

  test.each([
    ['17 levels', nested(17), 'invalid_value'],
    ['17 levels of arrays', `{"a":${'['.repeat(16)}${']'.repeat(16)}}`, 'invalid_value'],
    ['more than 16 KiB', sized(16_385), 'too_long'],
    ['a number that no double holds', '{"n":1e400}', 'invalid_value'],
  ])('When it holds %s, then it is refused', async (_, text, code) => {
    const { status, body } = await sendText('metadata', text);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/metadata', code }]);
  });

  test.each(['[]', '"text"', 'null', '7'])('When it is %s, then it is no object', async (text) => {
    const { status, body } = await sendText('metadata', text);

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/metadata', code: 'invalid_type' }]);
  });
});

describe('image_urls', () => {
  const url = (index: number) => `https://images.example.com/${index}.jpg`;

  test('When there are 20, then they are stored in their order', async () => {
    const urls = Array.from({ length: 20 }, (_, index) => url(20 - index));

    expect((await create({ image_urls: urls })).body.image_urls).toEqual(urls);
  });

  test('When there are 21, then they are too many', async () => {
    const { status, body } = await create({ image_urls: Array.from({ length: 21 }, (_, index) => url(index)) });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/image_urls', code: 'too_long', allowed: { maximum: 20 } }]);
  });

  test.each(['ftp://example.com/a.jpg', 'javascript:alert(1)', 'example.com/a.jpg', '//example.com/a.jpg', '', 7])(
    'When one of them is %j, then it is named',
    async (bad) => {
      const { status, body } = await create({ image_urls: [url(1), bad] });

      expect(status).toBe(400);
      expect(body.errors).toMatchObject([{ pointer: '/image_urls/1' }]);
    },
  );

  test('When it is null, then it is no array', async () => {
    const { status, body } = await create({ image_urls: null });

    expect(status).toBe(400);
    expect(body.errors).toMatchObject([{ pointer: '/image_urls', code: 'invalid_type' }]);
  });
});
