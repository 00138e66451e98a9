import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway } from '../testing.ts';

afterEach(closeAll);

const link = '</api/products?_limit=2>; rel="first", </api/products?_limit=2&_cursor=abc>; rel="next"';

/** A service that answers with these headers. */
const answering =
  (headers: Record<string, string>): RequestListener =>
  (_req, res) => {
    res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end('[]');
  };

async function ask(path: string, answer: Record<string, string>, { trustProxy = false, prefix = '' } = {}) {
  const gateway = await startGateway({ catalog: answering(answer), trustProxy });
  const headers: Record<string, string> = prefix ? { 'X-Forwarded-Prefix': prefix } : {};
  return (await request(gateway.url + path, { headers })).headers;
}

describe('references of a response', () => {
  test.each(['/api/products', '/api/products?_limit=2'])(
    'When %s is listed, then links hold below any path',
    async (path) => {
      const headers = await ask(path, { Link: link });

      expect(headers.get('link')).toBe('<?_limit=2>; rel="first", <?_limit=2&_cursor=abc>; rel="next"');
    },
  );

  test.each([
    ['/api/products', '/api/products/9'],
    ['/api/products/', '/api/products/9'],
    ['/api/products/9/stock', '/api/products/9/stock-movements?id=4'],
    ['/api/products/009/stock', '/api/products/9/stock-movements?id=4'],
  ])('When the answer of %s leads to %s, then it does so below any path', async (path, location) => {
    const value = (await ask(path, { Location: location })).get('location') ?? '';

    expect(value).not.toMatch(/^\//);
    for (const prefix of ['', '/shop', '/a/b']) {
      const { pathname, search } = new URL(value, `https://shop.example${prefix}${path}`);
      expect(pathname + search).toBe(prefix + location);
    }
  });

  test.each([
    ['/shop', '/shop'],
    ['/shop/', '/shop'],
    ['/a/b', '/a/b'],
    ['/hearsay, /shop', '/shop'],
  ])('When a trusted proxy names the prefix %s, then they are below %s', async (named, prefix) => {
    const answer = { Link: link, Location: '/api/products/9' };
    const headers = await ask('/api/products', answer, { trustProxy: true, prefix: named });

    expect(headers.get('link')).toBe(link.replaceAll('</', `<${prefix}/`));
    expect(headers.get('location')).toBe(`${prefix}/api/products/9`);
  });

  test.each(['https://evil.example', '//evil.example', 'shop', '/a b', '/x>; rel="next"', '/..//'])(
    'When a trusted proxy names %s, which is no prefix, then they are relative',
    async (prefix) => {
      const headers = await ask('/api/products', { Location: '/api/products/9' }, { trustProxy: true, prefix });

      expect(headers.get('location')).toBe('products/9');
    },
  );

  test('When a client names a prefix, then nobody believes it', async () => {
    const headers = await ask('/api/products', { Location: '/api/products/9', Link: link }, { prefix: '/evil' });

    expect(headers.get('location')).toBe('products/9');
    expect(headers.get('link')).not.toContain('evil');
  });
});
