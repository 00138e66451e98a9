/** Where progress is shown; every stream of a process is one. */
export interface ProgressOutput {
  /** A terminal, whose line is drawn anew. */
  isTTY?: boolean;
  /** The width of a terminal in characters. */
  columns?: number;
  write(text: string): unknown;
}

export interface ProgressOptions {
  /** How many there are to be done; more than 0. */
  total: number;
  /** What they are, in the plural. */
  unit: string;
  /** What the rate counts, if not `unit`: rows, say, of which each product has several. */
  rateUnit?: string;
  out?: ProgressOutput;
  /** A clock in milliseconds. */
  now?: () => number;
}

/** The progress of one piece of work, which begins when this is created. */
export interface Progress {
  /** So many are done by now, and so much of what the rate counts. */
  update(done: number, worked?: number): void;
  /** Shows the last state. Says nothing where there has been no update. */
  end(): void;
}

/** Milliseconds between two states that are shown: on a terminal, and elsewhere. */
const terminalPause = 200;
const plainPause = 5_000;

const number = (value: number): string => Math.round(value).toLocaleString('en');

/**
 * Shows how far a piece of work is, how fast it goes and how long it will take: on a terminal in one line with a bar, at most
 * five times a second, elsewhere in a line every five seconds. Rate and remaining time are means since the start.
 */
export function createProgress({
  total,
  unit,
  rateUnit = unit,
  out = process.stderr,
  now = () => performance.now(),
}: ProgressOptions): Progress {
  const started = now();
  const pause = out.isTTY ? terminalPause : plainPause;
  let shown = out.isTTY ? Number.NEGATIVE_INFINITY : started;
  let state: { done: number; worked: number } | undefined;

  const show = ({ done, worked }: { done: number; worked: number }, ended: boolean) => {
    shown = now();
    const seconds = (shown - started) / 1000;
    const share = done / total;
    const parts = [
      `${number(done)}/${number(total)} ${unit}`,
      `${number(seconds > 0 ? worked / seconds : 0)} ${rateUnit}/s`,
      ended ? `in ${duration(seconds)}` : `${duration(done > 0 ? seconds / share - seconds : undefined)} left`,
    ];
    const percent = `${Math.floor(share * 100)} %`;
    if (!out.isTTY) {
      out.write(`${[percent, ...parts].join(', ')}\n`);
      return;
    }
    // A terminal that does not know its width says 0.
    const columns = out.columns || 80;
    // What is left beside the text, within reason; a line that wraps could not be drawn over.
    const width = Math.min(24, Math.max(10, columns - 70));
    const full = Math.floor(share * width);
    const bar = '█'.repeat(full) + '░'.repeat(width - full);
    const line = [percent.padStart(5), bar, ...parts].join('  ').slice(0, columns - 1);
    out.write(`\r\u001b[K${line}${ended ? '\n' : ''}`);
  };

  return {
    update: (done, worked = done) => {
      state = { done, worked };
      if (now() - shown >= pause) show(state, false);
    },
    end: () => {
      if (state) show(state, true);
    },
  };
}

/** `8 s`, `2 min 05 s`, `1 h 02 min`; a question mark where it is not known. */
function duration(seconds: number | undefined): string {
  if (seconds === undefined) return '?';
  const whole = Math.round(seconds);
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  return `${Math.floor(whole / 3600)} h ${two((whole % 3600) / 60)} min`;
}
