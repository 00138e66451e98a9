import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import { type Attributes, endSpan, faultOf, type Span, startClientSpan } from '@shop/service-kit/tracing.ts';

/** What mysql2 says of a statement on its diagnostics channels. */
interface DriverStatement {
  /** Its text; with the values in it, where the statement was not prepared. */
  query: string;
  database: string;
  serverAddress: string;
  serverPort?: number;
}

/** Characters of a statement that are looked at, and those that are shown. */
const mostRead = 8_192;
const mostShown = 1_024;

/** Text in quotes, also where it has been cut off; numbers that are no part of a name; lists of nothing but placeholders. */
const quoted = /'(?:[^'\\]|\\.|'')*(?:'|\\?$)|"(?:[^"\\]|\\.|"")*(?:"|\\?$)/gs;
const numbers = /(?<![\w`$.])-?(?:0x[\da-f]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?)\b/gi;
const lists = /\?(?:\s*,\s*\?)+/g;
const tuples = /\(\?(?:, …)?\)(?:\s*,\s*\(\?(?:, …)?\))+/g;

/** A statement as a trace may show it: `?` in the place of every value, long lists shortened. */
export function statementText(sql: string): string {
  const text = sql
    .slice(0, mostRead)
    .replaceAll(quoted, '?')
    .replaceAll(numbers, '?')
    .replaceAll(lists, '?, …')
    .replaceAll(tuples, '(?, …), …')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return text.length > mostShown ? `${text.slice(0, mostShown)}…` : text;
}

interface Described {
  name: string;
  attributes: Attributes;
}

/** Prepared statements come again and again; the others are different each time. */
const known = new Map<string, Described>();
const mostKnown = 2_000;

function describe(sql: string): Described {
  const text = statementText(sql);
  const [operation = ''] = /^\w+/.exec(text) ?? [];
  const [, table] = /\b(?:from|into|update)\s+`?(\w+)/i.exec(text) ?? [];
  return {
    name: table ? `${operation} ${table}` : operation,
    attributes: {
      'db.system.name': 'mysql',
      'db.operation.name': operation,
      'db.query.text': text,
      ...(table ? { 'db.collection.name': table } : {}),
    },
  };
}

function describePrepared(sql: string): Described {
  const found = known.get(sql);
  if (found) return found;
  const described = describe(sql);
  if (known.size >= mostKnown) known.clear();
  known.set(sql, described);
  return described;
}

/**
 * Makes a span of each statement that is sent for a traced request, from now on. It holds the text of the statement and none of
 * its values; of an error, the code: its message may quote them.
 */
export function traceStatements(): void {
  const spans = new WeakMap<DriverStatement, Span>();
  const subscribe = (channel: string, describeStatement: (sql: string) => Described) => {
    const subscribers: Partial<TracingChannelSubscribers<DriverStatement>> = {
      start: (statement) => {
        const span = startClientSpan('', {});
        if (!span) return;
        const { name, attributes } = describeStatement(statement.query);
        const { database, serverAddress, serverPort } = statement;
        span
          .updateName(name)
          .setAttributes({ ...attributes, 'db.namespace': database, 'server.address': serverAddress });
        if (serverPort) span.setAttribute('server.port', serverPort);
        spans.set(statement, span);
      },
      error: (statement) => endSpan(spans.get(statement), faultOf(statement.error)),
      asyncStart: (statement) => endSpan(spans.get(statement)),
    };
    tracingChannel<string, DriverStatement>(channel).subscribe(
      subscribers as TracingChannelSubscribers<DriverStatement>,
    );
  };
  subscribe('mysql2:execute', describePrepared);
  subscribe('mysql2:query', describe);
}
