import { glob, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createContext, Script } from 'node:vm';
import { beforeAll, expect, test } from '@jest/globals';
import { readDocument } from '@shop/verification/hostile/document.ts';
import { parse } from '@swc/core';
import fc from 'fast-check';
import { baseUrl } from '../client.ts';

const root = path.join(import.meta.dirname, '../../..');

/** Everything that runs in a service or reads what one is given. */
const sources = '{gateway,service-kit,resources,db,catalogue,catalog-service,tagging-service}/src/**/*.ts';

/** A regular expression, and where it stands. */
interface Expression {
  where: string;
  expression: RegExp;
}

const isTest = (file: string): boolean => /\.test\.ts$|(?:^|\/)testing\.ts$/.test(file);

/** What of a syntax tree is a regular expression, and what makes one from a text. */
function expressionsIn(node: unknown): { pattern: string; flags: string }[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, pattern, flags, callee } = node as Record<string, unknown>;
  if (type === 'RegExpLiteral') return [{ pattern: String(pattern), flags: String(flags) }];
  if (type === 'NewExpression' && (callee as { value?: string }).value === 'RegExp') {
    throw new Error('a regular expression is made from a text, which this test cannot see');
  }
  return Object.values(node).flatMap(expressionsIn);
}

let expressions: Expression[];
beforeAll(async () => {
  expressions = [];
  for await (const file of glob(sources, { cwd: root })) {
    if (isTest(file)) continue;
    const program = await parse(await readFile(path.join(root, file), 'utf8'), { syntax: 'typescript' });
    for (const { pattern, flags } of expressionsIn(program)) {
      expressions.push({ where: `${file}: /${pattern}/${flags}`, expression: new RegExp(pattern, flags) });
    }
  }
  // Those of zod's formats.
  const document = await readDocument(baseUrl());
  const patterns = JSON.stringify(document).matchAll(/"pattern":("(?:[^"\\]|\\.)*")/g);
  for (const pattern of new Set(Array.from(patterns, ([, text]) => JSON.parse(text as string) as string))) {
    expressions.push({ where: `/openapi.json: ${pattern}`, expression: new RegExp(pattern, 'u') });
  }
});

/** Characters that an attack has, as many as a URL with its headers, or far more than a field, may have. */
const length = 50_000;

/** Milliseconds for all attacks on one expression: many times what it takes to go through each once. */
const limit = 3_000;

/** Texts that an expression takes, as far as they can be made, and such as nearly fit. */
function samplesOf({ source, flags }: RegExp): string[] {
  const letters = [...new Set([...source, ...'a0 -."\\/'])].join('');
  try {
    const matching = fc.stringMatching(new RegExp(source, flags.replace(/[^u]/g, '')), { maxLength: 12 });
    return [letters, ...fc.sample(matching, { numRuns: 6, seed: 1 })];
  } catch {
    // It has a part that cannot be turned around, such as a class of Unicode.
    return [letters];
  }
}

/** Long texts: the beginning of a sample, a piece of it again and again, and an end that spoils it. */
function attacksOn(expression: RegExp): string[] {
  const attacks = new Map<string, () => string>();
  for (const sample of samplesOf(expression)) {
    for (let start = 0; start < Math.min(sample.length, 40); start++) {
      for (const width of [1, 2]) {
        const piece = sample.slice(start, start + width);
        const beginning = start < 6 ? sample.slice(0, start) : '';
        for (const end of ['\u0000', '!']) {
          attacks.set(`${beginning} ${piece} ${end}`, () => beginning + piece.repeat(length / width) + end);
        }
      }
    }
  }
  return Array.from(attacks.values(), (text) => text());
}

/** The text that an expression does not get through in time, if there is one. */
function slowestOf(expression: RegExp): string | undefined {
  const context = createContext({ expression, texts: attacksOn(expression), at: 0 });
  try {
    new Script('for (; at < texts.length; at++) texts[at].search(expression)').runInContext(context, {
      timeout: limit,
    });
    return undefined;
  } catch {
    return context.texts[context.at];
  }
}

test('When the sources are searched, then their regular expressions are found', () => {
  const found = expressions.map(({ where }) => where).join('\n');

  expect(expressions.length).toBeGreaterThan(40);
  expect(found).toContain('service-kit/src/etag.ts: ');
  expect(found).toContain('resources/src/fields.ts: /^[a-z0-9]+(?:-[a-z0-9]+)*$/');
  expect(found).toContain('/openapi.json: ');
});

test.each([/a+$/, /^(a|a)*$/, /^\s*x?\s*$/])(
  'When an expression is quadratic or worse, such as %s, then it is noticed',
  (expression) => {
    expect(slowestOf(expression)).toBeDefined();
  },
);

test('When any regular expression meets long texts that are made to fail late, then it is through in time', () => {
  const slow = expressions.flatMap(({ where, expression }) => {
    const text = slowestOf(expression);
    return text === undefined
      ? []
      : [`${where} with ${JSON.stringify(text.slice(0, 40))}… ${JSON.stringify(text.slice(-10))}`];
  });

  expect(slow).toEqual([]);
});
