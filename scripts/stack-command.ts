import { parseArgs } from 'node:util';
import { ConfigError } from '@shop/service-kit/config.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { reportFailure, stopSignal } from '@shop/tools/cli/command.ts';

/** The option of a command that says how much it does, beside `--seed`. */
interface Amount {
  name: string;
  fallback: string;
  /** Whether a part of one makes no sense. */
  isWhole: boolean;
}

/** What a command was told, and what tells it to stop. */
export interface Told {
  amount: number;
  /** Where randomness begins: `--seed`, else the time. */
  firstSeed: number;
  stop: AbortSignal;
}

/** @throws {ConfigError} for words that are no options, or not theirs */
function readOptions({ name, fallback, isWhole }: Amount): Omit<Told, 'stop'> {
  const options = {
    [name]: { type: 'string', default: fallback },
    seed: { type: 'string', default: `${Date.now() % 1e9}` },
  } as const;
  const read = () => {
    try {
      return parseArgs({ options }).values as Record<string, string>;
    } catch (error) {
      throw new ConfigError((error as Error).message);
    }
  };
  const { [name]: given, seed } = read();
  const [amount, firstSeed] = [Number(given), Number(seed)];
  if (!(amount > 0) || (isWhole && !Number.isInteger(amount))) {
    throw new ConfigError(`--${name} must be a ${isWhole ? 'whole number' : 'number'} above 0, got "${given}"`);
  }
  if (!Number.isInteger(firstSeed)) throw new ConfigError(`--seed must be a whole number, got "${seed}"`);
  return { amount, firstSeed };
}

/** Works on the gateway that `E2E_BASE_URL` names, or else on a stack of its own. */
async function onStack(work: (url: string, stack: Stack | undefined) => Promise<void>): Promise<void> {
  if (process.env.E2E_BASE_URL) return work(process.env.E2E_BASE_URL, undefined);
  const folder = await temporaryFolder();
  const stack = await startStack(folder, {}, { detached: true });
  // A second Ctrl-C ends this program at once, and must not leave the stack behind.
  const end = () => stack.process.kill('SIGTERM');
  process.on('exit', end);
  try {
    await work(stack.gateway, stack);
  } finally {
    process.off('exit', end);
    await stack.stop();
    await removeFolder(folder);
  }
}

/**
 * Runs a command that asks a stack, until it is done or told to stop, and ends the process. Where it fails it says why, and the
 * exit code is 1.
 */
export async function runStackCommand(
  name: string,
  amount: Amount,
  work: (url: string, stack: Stack | undefined, told: Told) => Promise<void>,
): Promise<never> {
  try {
    const told = { ...readOptions(amount), stop: stopSignal() };
    await onStack((url, stack) => work(url, stack, told));
  } catch (error) {
    reportFailure(name, error);
  }
  // Keep-alive connections would hold the process for a while.
  process.exit();
}
