import { generate, type Written } from '../generate/generate.ts';
import { readOptions, usage } from '../generate/options.ts';
import { createProgress } from '../progress.ts';
import { type ProvidedDatabase, prepareDatabase } from '../provision.ts';
import { refuseElsewhere, reportFailure, runCommand, stopSignal } from './command.ts';

const name = 'db:generate';
const words = process.argv.slice(2);
const rowsOf = ({ products, links, movements }: Written): number => products + links + movements;
const count = (value: number): string => Math.round(value).toLocaleString('en');

/** Fills a database, and says what is in it then. */
async function fill(database: ProvidedDatabase, { products, seed, force }: ReturnType<typeof readOptions>) {
  const { owner } = database;
  if (!force) refuseElsewhere(owner, 'This puts a made-up catalogue into', `${name} -- ${words.join(' ')} --force`);
  const signal = stopSignal();
  await prepareDatabase(database);

  const started = performance.now();
  const progress = createProgress({ total: products, unit: 'products', rateUnit: 'rows' });
  const written = await generate(owner, {
    products,
    seed,
    signal,
    onProgress: (now) => progress.update(now.products, rowsOf(now)),
  }).finally(progress.end);
  const seconds = (performance.now() - started) / 1000;

  if (written.products < products) {
    process.exitCode = signal.reason;
    return `Stopped: ${count(written.products)} of ${count(products)} products are in, each with all of its tags.`;
  }
  const rows = `${count(written.categories)} categories, ${count(written.tags)} tags, ${count(products)} products, ${count(written.links)} links, ${count(written.movements)} movements of stock`;
  const rate = rowsOf(written) / seconds;
  return `Written to ${owner.database} in ${seconds.toFixed(1)} s (${count(rate)} rows/s): ${rows}.`;
}

if (words.length === 0) {
  console.error(usage);
  process.exitCode = 1;
} else {
  try {
    const options = readOptions(words);
    await runCommand(name, (database) => fill(database, options));
  } catch (error) {
    reportFailure(name, error);
  }
}
