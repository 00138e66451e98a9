import { afterEach, describe, expect, test } from '@jest/globals';
import { request } from '@shop/testing/http.ts';
import { closeAll, startGateway } from '../testing.ts';

afterEach(closeAll);

describe('streaming', () => {
  test('When the service sends the first half of its answer, then the client has it before there is a second', async () => {
    let finish: (() => void) | undefined;
    const gateway = await startGateway({
      catalog: (_req, res) => {
        res.write('first');
        finish = () => res.end('second');
      },
    });

    const response = await fetch(`${gateway.url}/api/products`);
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const first = await reader.read();
    finish?.();
    const second = await reader.read();

    expect(Buffer.from(first.value ?? []).toString()).toBe('first');
    expect(Buffer.from(second.value ?? []).toString()).toBe('second');
  });

  test('When an answer of 5 MB passes through, then not a byte is missing', async () => {
    const large = Buffer.alloc(5_000_000, 'x');
    const gateway = await startGateway({ catalog: (_req, res) => void res.end(large) });

    expect((await request(`${gateway.url}/api/products`)).text).toHaveLength(5_000_000);
  });
});
