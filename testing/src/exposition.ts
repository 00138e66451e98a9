/** One line of a scrape: `name{labels} value`. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const samplePattern = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const labelPattern = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  labelPattern.lastIndex = 0;
  while (labelPattern.lastIndex < text.length) {
    const match = labelPattern.exec(text);
    if (!match) throw new Error(`not a list of labels: ${text}`);
    const [, name = '', value = ''] = match;
    if (name in labels) throw new Error(`the label ${name} stands twice: ${text}`);
    labels[name] = value.replaceAll(/\\(.)/g, (_, escaped) => (escaped === 'n' ? '\n' : escaped));
  }
  return labels;
}

function numberOf(text: string): number {
  if (/^[+-]Inf$/.test(text)) return text === '+Inf' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  if (/^nan$/i.test(text)) return Number.NaN;
  if (!/^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) throw new Error(`not a value: ${text}`);
  return Number(text);
}

/**
 * The samples of a scrape, for tests: strict about Prometheus's text format 0.0.4.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 * @throws {Error} naming what is not in the format: a malformed line, a sample without a type, one that stands twice
 */
export function parseExposition(text: string): Sample[] {
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  const types = new Map<string, string>();
  const seen = new Set<string>();
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    if (line.startsWith('#')) {
      const [, name, type] = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line) ?? [];
      if (!name || !type) throw new Error(`not a comment that means something: ${line}`);
      if (types.has(name)) throw new Error(`the type of ${name} stands twice`);
      types.set(name, type);
      continue;
    }
    const [, name, labels = '', value] = samplePattern.exec(line) ?? [];
    if (!name || !value) throw new Error(`not a sample: ${line}`);
    if (!types.has(name) && !types.has(name.replace(/_(?:bucket|sum|count)$/, ''))) throw new Error(`no type: ${name}`);
    const sample = { name, labels: labelsOf(labels), value: numberOf(value) };
    const key = `${name} ${JSON.stringify(Object.entries(sample.labels).toSorted())}`;
    if (seen.has(key)) throw new Error(`stands twice: ${line}`);
    seen.add(key);
    samples.push(sample);
  }
  return samples;
}
