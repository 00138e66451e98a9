// `npm run key`: makes, lists and revokes the keys of the API. The gateway notices within a second.
//   npm run key -- create NAME --scope read|write
//   npm run key -- list
//   npm run key -- revoke NAME

import path from 'node:path';
import { parseArgs } from 'node:util';
import { keysFileSetting } from '@shop/gateway/config.ts';
import { type Scope, scopes } from '@shop/gateway/guards/api-key.ts';
import { createKey, revokeKey } from '@shop/gateway/guards/key-file.ts';
import { readKeys } from '@shop/gateway/guards/key-ring.ts';
import { ConfigError, loadEnvironmentFile, readSettings } from '@shop/service-kit/config.ts';

const usage = `Usage: npm run key -- create NAME --scope ${scopes.join('|')}, npm run key -- list, npm run key -- revoke NAME`;

async function main(words: string[]): Promise<void> {
  const { positionals, values } = parseArgs({
    args: words,
    options: { scope: { type: 'string' } },
    allowPositionals: true,
  });
  const [command, name, ...more] = positionals;
  const { API_KEYS_FILE: file } = readSettings(
    'npm run key',
    { API_KEYS_FILE: keysFileSetting },
    loadEnvironmentFile(),
  );
  if (command === 'create' && name && more.length === 0 && scopes.includes(values.scope as Scope)) {
    console.log(await createKey(file, name, values.scope as Scope));
    console.error(
      `The API key of ${name}. It is shown only once; ${path.relative(process.cwd(), file)} stores only its digest.`,
    );
  } else if (command === 'list' && name === undefined && values.scope === undefined) {
    for (const { name, scope } of await readKeys(file)) console.log(`${scope.padEnd(5)}  ${name}`);
  } else if (command === 'revoke' && name && more.length === 0 && values.scope === undefined) {
    await revokeKey(file, name);
    console.error(`${name} is revoked.`);
  } else throw new ConfigError(usage);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { name, code, message, stack } = error as NodeJS.ErrnoException;
  if (code?.startsWith('ERR_PARSE_ARGS')) console.error(usage);
  else console.error(name === 'ConfigError' || code ? message : stack);
  process.exit(1);
}
