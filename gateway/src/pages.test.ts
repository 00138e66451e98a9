import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway } from './testing.ts';

afterEach(closeAll);

describe('pages', () => {
  test('When a browser asks for /, then it gets a page; when a program asks, then JSON', async () => {
    const gateway = await startGateway();

    const page = await request(`${gateway.url}/`, { headers: { Accept: 'text/html,*/*;q=0.8' } });
    const json = await request(`${gateway.url}/`, { headers: { Accept: 'application/json' } });

    expect(page.headers.get('content-type')).toContain('text/html');
    expect(page.text).toContain('href="/docs"');
    expect(json.body).toHaveProperty('/api/products');
  });

  test('When the reference page is loaded, then all that it names is served here, under a policy that allows nothing else', async () => {
    const gateway = await startGateway();

    const { headers, text } = await request(`${gateway.url}/docs`);
    const assets = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
    const statuses = await Promise.all(assets.map(async (path) => (await request(gateway.url + path)).status));

    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(text).not.toMatch(/https?:\/\//);
    expect(assets.length).toBeGreaterThanOrEqual(3);
    expect(statuses.every((status) => status === 200)).toBe(true);
  });

  test('When the type of a problem is followed, then there is a page that explains it', async () => {
    const gateway = await startGateway();
    const { body } = await request(`${gateway.url}/api/nothing`);

    const { status, text } = await request(gateway.url + body.type);

    expect(status).toBe(200);
    expect(text).toContain(body.title);
  });

  test('When a page is asked for by POST, then it is 405 with Allow', async () => {
    const gateway = await startGateway();

    const { status, headers } = await request(`${gateway.url}/docs`, { method: 'POST' });

    expect(status).toBe(405);
    expect(headers.get('allow')).toBe('GET, HEAD, OPTIONS');
  });

  test.each(['/assets/page.css', '/assets/reference.js', '/assets/reference/swagger-ui.css'])(
    'When %s is written to, then it is 405 with Allow',
    async (path) => {
      const gateway = await startGateway();

      const { status, headers } = await request(gateway.url + path, { method: 'POST' });

      expect([status, headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    },
  );

  test.each(['GET', 'POST'])('When there is no such asset, then a %s is 404', async (method) => {
    const gateway = await startGateway();

    expect((await request(`${gateway.url}/assets/reference/nothing.css`, { method })).status).toBe(404);
  });

  const asset = '/assets/reference/swagger-ui.css';
  test.each([
    ['/', { Accept: 'image/png' }, 406, 'not_acceptable'],
    [asset, { Range: 'bytes=99999999-' }, 416, 'range_not_satisfiable'],
    [asset, { 'If-Match': '"x"' }, 412, 'precondition_failed'],
    [asset, { 'If-Unmodified-Since': 'Mon, 01 Jan 1990 00:00:00 GMT' }, 412, 'precondition_failed'],
  ])('When %s is asked for with %j, then it is %d, and no fault of ours', async (path, headers, status, code) => {
    const gateway = await startGateway();

    const answer = await request(gateway.url + path, { headers });

    expect([answer.status, answer.body.code]).toEqual([status, code]);
    expect(gateway.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  test('When a range lies beyond the end, then the answer says how long the file is', async () => {
    const gateway = await startGateway();

    const { headers } = await request(gateway.url + asset, { headers: { Range: 'bytes=99999999-' } });

    expect(headers.get('content-range')).toMatch(/^bytes \*\/\d+$/);
  });
});
