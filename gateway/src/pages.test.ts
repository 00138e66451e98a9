import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/service-kit/testing.ts';
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
});
