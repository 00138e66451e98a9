// `npm run insomnia [BASE_URL]`: sends the requests of docs/insomnia.yaml to a live gateway and runs their tests. Where the gateway
// wants a key, it is taken from API_KEY.

import { type RequestReport, runCollection } from '@shop/e2e/insomnia.ts';
import { type Environment, loadEnvironmentFile } from '@shop/service-kit/config.ts';

/** One line that ends the program. */
function giveUp(line: string): never {
  console.error(line);
  process.exit(1);
}

function environment(): Environment {
  try {
    return loadEnvironmentFile();
  } catch (error) {
    return giveUp((error as Error).message);
  }
}

const { GATEWAY_PORT, API_KEY = '' } = environment();
const baseUrl = process.argv[2] ?? `http://127.0.0.1:${GATEWAY_PORT || 3001}`;

// Newman's dependencies use what Node deprecates.
process.noDeprecation = true;

function show({ request, tests, failures }: RequestReport): void {
  const verdict = failures.length === 0 ? `ok     ${request} (${tests} tests)` : `FAILED ${request}`;
  console.log(verdict);
  for (const { test, message } of failures) console.log(`         ${test}: ${message}`);
}

if (!/^https?:$/.test(URL.parse(baseUrl)?.protocol ?? '')) giveUp(`${baseUrl} is not an http or https URL.`);

// Asked first: a run would name a gateway that is away once for every request.
await fetch(new URL('/health/live', baseUrl), { signal: AbortSignal.timeout(5_000) }).catch(() =>
  giveUp(
    `Nothing answers at ${baseUrl}. Start the stack with "npm start", or name the gateway: npm run insomnia -- URL`,
  ),
);

const { requests, assertions, failures } = await runCollection(baseUrl, { apiKey: API_KEY, onRequest: show });
console.log(`${requests} requests, ${assertions} assertions, ${failures.length} failed`);
process.exit(failures.length === 0 ? 0 : 1);
