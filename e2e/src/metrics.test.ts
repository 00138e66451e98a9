import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parseExposition, type Sample } from '@shop/testing/exposition.ts';
import { request } from '@shop/testing/http.ts';
import { removeFolder, type Stack, startStack, temporaryFolder } from '@shop/testing/stack.ts';
import { parse } from 'yaml';
import { namesIn } from './promql.ts';

interface Dashboard {
  panels: { title: string; targets?: { expr: string }[] }[];
  templating: { list: { name: string; definition?: string }[] };
}
interface Rule {
  alert: string;
  expr: string;
  for: string;
  annotations: Record<string, string>;
}
interface PrometheusConfig {
  rule_files: string[];
  scrape_configs: { job_name: string; dns_sd_configs: { names: string[]; port: number }[] }[];
}

const folder = path.join(import.meta.dirname, '../../docs/observability');
const read = (name: string): Promise<string> => readFile(path.join(folder, name), 'utf8');
const dashboard = async (): Promise<Dashboard> => JSON.parse(await read('grafana-dashboard.json'));
const rules = async (): Promise<Rule[]> =>
  (parse(await read('alerts.yaml')) as { groups: { rules: Rule[] }[] }).groups.flatMap((group) => group.rules);

/** What Prometheus adds to every sample, and knows of every target. */
const fromPrometheus = { labels: ['job', 'instance'], metric: 'up' };

const key = 'a-key-that-no-metric-holds';
let stack: Stack;
let scrapes: Record<'gateway' | 'catalog' | 'tagging', Sample[]>;
let texts: string[];

beforeAll(async () => {
  stack = await startStack(await temporaryFolder());
  for (const [address, options] of [
    ['/api/products/1'],
    ['/api/products?_limit=2'],
    ['/api/tags/1'],
    ['/api/tags/4000000'],
    [`/api/nowhere/${key}`],
    ['/api/categories', { method: 'POST', body: { category_name: 'Counted' } }],
  ] as const) {
    await request(stack.gateway + address, {
      ...options,
      headers: { Authorization: `Bearer ${key}`, 'X-Api-Key': key },
    });
  }
  const addresses = Object.entries(stack.ports).map(
    ([name, port]) => [name, `http://127.0.0.1:${port}/metrics`] as const,
  );
  const bodies = await Promise.all(addresses.map(async ([name, url]) => [name, (await request(url)).text] as const));
  texts = bodies.map(([, text]) => text);
  scrapes = Object.fromEntries(bodies.map(([name, text]) => [name, parseExposition(text)])) as typeof scrapes;
});
afterAll(async () => {
  await stack.stop();
  await removeFolder(stack.folder);
});

/** The requests that a service has counted, as `GET /api/products/:id 200`. */
const counted = (samples: Sample[]): string[] =>
  samples
    .filter(({ name, value }) => name === 'http_request_duration_seconds_count' && value > 0)
    .map(({ labels: { method, route, status } }) => `${method} ${route} ${status}`);

/** The labels of every metric of the whole stack; of a histogram also under the names of its parts. */
function labelsByMetric(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { name, labels } of Object.values(scrapes).flat()) {
    const known = found.get(name) ?? new Set(fromPrometheus.labels);
    for (const label of Object.keys(labels)) known.add(label);
    found.set(name, known);
  }
  return found.set(fromPrometheus.metric, new Set(fromPrometheus.labels));
}

/** What an expression names and no scrape has. */
function unknownIn(expression: string): string[] {
  const known = labelsByMetric();
  const { selectors, groupings } = namesIn(expression);
  const grouped = new Set(selectors.flatMap(({ metric }) => [...(known.get(metric) ?? [])]));
  return [
    ...selectors.filter(({ metric }) => !known.has(metric)).map(({ metric }) => metric),
    ...selectors.flatMap(({ metric, labels }) => labels.filter((label) => !known.get(metric)?.has(label))),
    ...groupings.filter((label) => !grouped.has(label)),
  ];
}

describe('/metrics of a running stack', () => {
  test('When requests were made, then the gateway has counted them by prefix, and each service its own by route', () => {
    expect(counted(scrapes.gateway)).toEqual(
      expect.arrayContaining([
        'GET /api/products/* 200',
        'GET /api/tags/* 404',
        'GET other 404',
        'POST /api/categories/* 201',
      ]),
    );
    expect(counted(scrapes.catalog)).toEqual(
      expect.arrayContaining(['GET /api/products 200', 'GET /api/products/:id 200', 'POST /api/categories 201']),
    );
    expect(counted(scrapes.tagging)).toEqual(['GET /api/tags/:id 200', 'GET /api/tags/:id 404']);
  });

  test('When a service has asked the database, then its pool has a connection', () => {
    const connections = scrapes.catalog.filter(({ name }) => name === 'db_pool_connections');

    expect(connections.map(({ labels }) => labels.state)).toEqual(['in_use', 'idle']);
    expect(connections.reduce((sum, { value }) => sum + value, 0)).toBeGreaterThan(0);
    expect(scrapes.catalog.find(({ name }) => name === 'db_pool_max')?.value).toBe(10);
  });

  test('When a client sends a key, in whatever way, then no scrape holds it', () => {
    expect(texts.filter((text) => text.includes(key))).toEqual([]);
  });
});

describe('docs/observability/', () => {
  test('When the dashboard asks for something, then the stack has it', async () => {
    const { panels, templating } = await dashboard();
    const targets = panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, unknownIn(expr)] as const),
    );
    const variables = templating.list.flatMap(({ name, definition = '' }) => {
      const asked = /^label_values\((.+), \w+\)$/.exec(definition)?.[1];
      return asked ? [[name, unknownIn(asked)] as const] : [];
    });

    expect(targets.length).toBeGreaterThan(20);
    expect(variables.map(([name]) => name)).toEqual(['job', 'instance']);
    expect([...targets, ...variables].filter(([, unknown]) => unknown.length > 0)).toEqual([]);
  });

  test('When a rule asks for something, then the stack has it', async () => {
    const asked = (await rules()).map(({ alert, expr }) => [alert, unknownIn(expr)] as const);

    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter(([, unknown]) => unknown.length > 0)).toEqual([]);
  });

  test('When a rule fires, then it says where, by labels that there are', async () => {
    const known = new Set([...labelsByMetric().values()].flatMap((labels) => [...labels]));
    for (const { alert, annotations } of await rules()) {
      const named = [...JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? '');
      expect([alert, named.length > 0, named.filter((label) => !known.has(label))]).toEqual([alert, true, []]);
    }
  });

  test('When Prometheus looks for the services, then by the names and ports that they have in compose', async () => {
    const config = parse(await read('prometheus.yaml')) as PrometheusConfig;
    const compose = parse(await readFile(path.join(folder, '../../docker-compose.yml'), 'utf8'), { merge: true });

    expect(config.rule_files).toEqual(['alerts.yaml']);
    for (const { job_name, dns_sd_configs } of config.scrape_configs) {
      const { PORT_TO_CHECK } = compose.services[job_name].environment;
      expect(dns_sd_configs).toMatchObject([{ names: [job_name], port: Number(PORT_TO_CHECK) }]);
    }
    expect(config.scrape_configs.map(({ job_name }) => job_name)).toEqual([
      'gateway',
      'catalog-service',
      'tagging-service',
    ]);
  });

  test('When an expression names what there is not, then that is found', () => {
    const expression =
      'sum by (job, colour) (rate(http_request_duration_seconds_count{status=~"5..",shade="x"}[5m])) / nothing';

    expect(unknownIn(expression)).toEqual(['nothing', 'shade', 'colour']);
  });
});
