import { expect, test } from '@jest/globals';
import { badPorts } from './bad-ports.ts';

test('When fetch is to ask at each port, then it refuses those that are listed, and no others', async () => {
  // Nothing is sent: what is not refused ends here.
  const dispatcher = {
    dispatch: () => {
      throw new Error('asked');
    },
  };
  const refused: number[] = [];
  for (let port = 1; port < 65_536; port++) {
    const { cause } = await fetch(`http://127.0.0.1:${port}`, { dispatcher } as object).catch((error) => error);
    if (cause?.message === 'bad port') refused.push(port);
  }

  expect(refused).toEqual([...badPorts]);
});
