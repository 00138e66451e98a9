import { cpus, loadavg } from 'node:os';
import type { Round } from './load.ts';

/** The medians of one case, by contender, and how ours answers a single client: its latencies are nobody else's. */
export interface CaseResult {
  name: string;
  contenders: Record<string, Round>;
  alone: Round;
}

/** What was measured on one catalogue. */
export interface Section {
  title: string;
  results: CaseResult[];
}

const micro = (value: number): string => Math.round(value).toLocaleString('en');
const times = (value: number): string => `${value.toFixed(2)} ×`;

/** One table: a row for each contender of each case. */
function table({ title, results }: Section): string {
  const rows = results.flatMap(({ name, contenders, alone }) =>
    Object.entries(contenders).map(([who, round], index) => {
      const shares = Object.entries(round.shares).map(([process, share]) => `${process} ${micro(share)}`);
      const ours = contenders.ours;
      const cells = [
        index === 0 ? name : '',
        who,
        `${micro(round.cpu)} µs`,
        shares.join(' + '),
        index === 0 || !ours ? '' : who.startsWith('with') ? times(round.cpu / ours.cpu) : times(ours.cpu / round.cpu),
        micro(round.perSecond),
        `${round.p50} / ${round.p99}`,
        index === 0 ? `${alone.p50} / ${alone.p99}` : '',
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  );
  const failed = results.flatMap(({ name, contenders }) =>
    Object.entries(contenders).flatMap(([who, { failures }]) => (failures > 0 ? [`${name}, ${who}: ${failures}`] : [])),
  );
  return [
    `## ${title}\n`,
    '| case | who | CPU per request | of which | ours : it | requests/s | p50 / p99, ms | ours alone, p50 / p99, ms |',
    '|---|---|---|---|---|---|---|---|',
    ...rows,
    ...(failed.length > 0 ? [`\nAnswers that were not expected, or none: ${failed.join('; ')}.`] : []),
  ].join('\n');
}

/** The results as a Markdown page. */
export function report(sections: Section[], { rounds, seconds }: { rounds: number; seconds: number }): string {
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(', ');
  return `# Results

${new Date().toISOString().slice(0, 10)} · Node ${process.version} · ${cpus().length} × ${cpus()[0]?.model ?? 'CPU'} · medians of ${rounds} rounds of ${seconds} s ·
load of the machine at the end, this included: ${load}

CPU: user and system time of all processes of the contender. *ours : it*: our CPU by theirs; for the variants of an update, theirs by
that of the plain one. *alone*: with one client, in milliseconds as a whole.

${sections.map(table).join('\n\n')}
`;
}
