import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, expect, test } from '@jest/globals';
import { block, closeAll, echo, startUpstream } from '../testing.ts';
import { connectInTime } from './attempt.ts';

afterEach(closeAll);

test('When a connection is made while this process has no time to notice, then the request is sent', async () => {
  const { url } = await startUpstream(echo);
  let isConnected = false;
  const sending = httpRequest(url, { agent: false });
  sending.once('socket', () => {
    connectInTime(sending, () => {
      isConnected = true;
    });
    block(1_000);
  });
  sending.end();

  const [answer]: IncomingMessage[] = await once(sending, 'response');
  answer?.resume();

  expect([answer?.statusCode, isConnected]).toEqual([200, true]);
});
