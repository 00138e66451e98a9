import { type Token, textOf, tokensOf, withoutIdleBrackets } from './expression.ts';

/** An index, as `ADD` takes it. */
export interface IndexDefinition {
  kind: 'PRIMARY KEY' | 'UNIQUE KEY' | 'FULLTEXT KEY' | 'SPATIAL KEY' | 'KEY';
  /** Such as `UNIQUE KEY `tag_slug` (`slug`)`. */
  sql: string;
  /** With their lengths and directions. */
  columns: string[];
}

/** A foreign key or a CHECK. */
export interface ConstraintDefinition {
  kind: 'FOREIGN KEY' | 'CHECK';
  /** What follows its name: ``CHECK (`price` >= 0)``. */
  sql: string;
  /** A condition that finds the rows of the table that break it. */
  broken: string;
}

/** A table in a spelling that MySQL and MariaDB have in common: two that are the same read the same. */
export interface TableDefinition {
  name: string;
  engine: string;
  /** What new columns of text get that name no other. */
  collation: string;
  /** Each column's definition without its name, in their order. */
  columns: Map<string, string>;
  /** By name; that of the primary key is `PRIMARY`. */
  indexes: Map<string, IndexDefinition>;
  constraints: Map<string, ConstraintDefinition>;
  /** The next number of the column that counts up; undefined where there is none yet. No part of the schema. */
  autoIncrement: number | undefined;
}

const nameOf = (token: Token | undefined): string => (token ?? '').slice(1, -1).replaceAll('``', '`');

/** A name as SQL. */
export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``;

/** Reads tokens from the left. */
class Reader {
  readonly #tokens: Token[];
  #at = 0;

  constructor(tokens: Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  take(): Token {
    return this.#tokens[this.#at++] ?? '';
  }

  /** Takes these words, if they come next. */
  takeIf(...words: string[]): boolean {
    const there = words.every((word, index) => this.#tokens[this.#at + index] === word);
    if (there) this.#at += words.length;
    return there;
  }

  /** What is between the brackets that come next; none if they do not. */
  takeBrackets(): Token[] {
    const taken: Token[] = [];
    if (this.next !== '(') return taken;
    let depth = 0;
    do {
      const token = this.take();
      depth += token === '(' ? 1 : token === ')' ? -1 : 0;
      taken.push(token);
    } while (depth > 0 && this.next !== undefined);
    return taken.slice(1, -1);
  }

  takeRest(): Token[] {
    return this.#tokens.slice(this.#at);
  }
}

const expression = (tokens: Token[]): string => textOf(withoutIdleBrackets(tokens));

/** A default: a value as it is, anything else in brackets, which both servers read. A number has no quotes. */
function takeDefault(reader: Reader, type: string): string | undefined {
  if (reader.takeIf('null')) return undefined;
  if (reader.next === '(') return `(${expression(reader.takeBrackets())})`;
  const sign = reader.takeIf('-') ? '-' : '';
  const token = reader.take();
  if (/^'/.test(token)) return /^(?:\w*int|decimal|float|double)\b/.test(type) ? token.slice(1, -1) : token;
  const called = reader.next === '(';
  const inside = reader.takeBrackets();
  if (/^(?:current_timestamp|now)$/.test(token))
    return `CURRENT_TIMESTAMP${called && inside.length > 0 ? `(${textOf(inside)})` : ''}`;
  return called ? `(${token}(${textOf(inside)}))` : `${sign}${token}`;
}

function readColumn(name: string, reader: Reader, tableCollation: string): string {
  const base = reader.take();
  const size = textOf(reader.takeBrackets());
  // MariaDB shows the width at which a whole number was once displayed.
  let type = size === '' || /^(?:big|medium|small|tiny)?int$/.test(base) ? base : `${base}(${size})`;
  while (/^(?:unsigned|zerofill)$/.test(reader.next ?? '')) type += ` ${reader.take()}`;
  let [characterSet, collation]: [string | undefined, string | undefined] = [undefined, undefined];
  let [nullable, autoIncrement] = [true, false];
  let [value, generated, onUpdate, check]: (string | undefined)[] = [];
  const others: Token[] = [];
  while (reader.next !== undefined) {
    if (reader.takeIf('character', 'set')) characterSet = reader.take();
    else if (reader.takeIf('collate')) collation = reader.take();
    else if (reader.takeIf('not', 'null')) nullable = false;
    else if (reader.takeIf('null')) nullable = true;
    else if (reader.takeIf('auto_increment')) autoIncrement = true;
    else if (reader.takeIf('default')) value = takeDefault(reader, type);
    else if (reader.takeIf('on', 'update')) onUpdate = takeDefault(reader, type);
    else if (reader.takeIf('check')) check = expression(reader.takeBrackets());
    else if (reader.takeIf('generated', 'always', 'as')) generated = expression(reader.takeBrackets());
    else others.push(reader.take());
  }
  // MariaDB's JSON is a text that is checked.
  if (base === 'longtext' && check === `json_valid(${quoted(name)})`) {
    [type, characterSet, collation, check] = ['json', undefined, undefined, undefined];
  }
  const isText = /^(?:char|varchar|tinytext|text|mediumtext|longtext|enum|set)\b/.test(type);
  if (isText && characterSet === undefined) collation ??= tableCollation;
  return [
    type,
    collation ? `COLLATE ${collation}` : characterSet && `CHARACTER SET ${characterSet}`,
    generated && `GENERATED ALWAYS AS (${generated})`,
    ...others.map((word) => (/^[a-z]/.test(word) ? word.toUpperCase() : word)),
    nullable ? undefined : 'NOT NULL',
    value === undefined ? undefined : `DEFAULT ${value}`,
    onUpdate && `ON UPDATE ${onUpdate}`,
    autoIncrement ? 'AUTO_INCREMENT' : undefined,
    check && `CHECK (${check})`,
  ]
    .filter((part) => part)
    .join(' ');
}

/** Cuts tokens at the commas that stand in no brackets. */
function atCommas(tokens: Token[]): Token[][] {
  const pieces: Token[][] = [[]];
  let depth = 0;
  for (const token of tokens) {
    depth += token === '(' ? 1 : token === ')' ? -1 : 0;
    if (token === ',' && depth === 0) pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces;
}

/** The rest of a definition, as keywords behind a space; empty where there is none. */
const restOf = (reader: Reader): string => {
  const rest = textOf(reader.takeRest()).toUpperCase();
  return rest === '' ? '' : ` ${rest}`;
};

function readIndex(kind: IndexDefinition['kind'], reader: Reader): [string, IndexDefinition] {
  const name = kind === 'PRIMARY KEY' ? 'PRIMARY' : nameOf(reader.take());
  const columns = atCommas(reader.takeBrackets()).map(textOf);
  reader.takeIf('using', 'btree');
  const called = kind === 'PRIMARY KEY' ? kind : `${kind} ${quoted(name)}`;
  return [name, { kind, columns, sql: `${called} (${columns.join(', ')})${restOf(reader)}` }];
}

function readConstraint(reader: Reader): [string, ConstraintDefinition] {
  const name = nameOf(reader.take());
  if (reader.takeIf('check')) {
    const condition = expression(reader.takeBrackets());
    return [name, { kind: 'CHECK', sql: `CHECK (${condition})${restOf(reader)}`, broken: `NOT (${condition})` }];
  }
  reader.takeIf('foreign', 'key');
  const columns = atCommas(reader.takeBrackets()).map(textOf);
  reader.takeIf('references');
  const parent = reader.take();
  const referenced = atCommas(reader.takeBrackets()).map(textOf);
  // RESTRICT and NO ACTION are what holds anyway.
  const rules = restOf(reader).replaceAll(/ ON (?:DELETE|UPDATE) (?:RESTRICT|NO ACTION)/g, '');
  const pairs = columns.map((column, index) => `parent.${referenced[index]} = child.${column}`).join(' AND ');
  return [
    name,
    {
      kind: 'FOREIGN KEY',
      sql: `FOREIGN KEY (${columns.join(', ')}) REFERENCES ${parent} (${referenced.join(', ')})${rules}`,
      broken: `${columns.map((column) => `child.${column} IS NOT NULL`).join(' AND ')} AND NOT EXISTS (SELECT 1 FROM ${parent} AS parent WHERE ${pairs})`,
    },
  ];
}

/**
 * What `SHOW CREATE TABLE` says of a table, on either server.
 * @param sql as it came, a definition in each line
 */
export function parseTable(sql: string): TableDefinition {
  const lines = sql.split('\n');
  const options = lines.findLast((line) => line.startsWith(')')) ?? '';
  const collation = /\bCOLLATE=(\w+)/.exec(options)?.[1] ?? `default of ${/\bCHARSET=(\w+)/.exec(options)?.[1]}`;
  const table: TableDefinition = {
    name: nameOf(tokensOf(lines[0] ?? '')[2]),
    engine: /\bENGINE=(\w+)/.exec(options)?.[1] ?? '',
    collation,
    columns: new Map(),
    indexes: new Map(),
    constraints: new Map(),
    autoIncrement: Number(/\bAUTO_INCREMENT=(\d+)/.exec(options)?.[1]) || undefined,
  };
  for (const line of lines.filter((text) => text.startsWith('  '))) {
    const reader = new Reader(tokensOf(line.trim().replace(/,$/, '')));
    if (reader.takeIf('primary', 'key')) table.indexes.set(...readIndex('PRIMARY KEY', reader));
    else if (reader.takeIf('unique', 'key')) table.indexes.set(...readIndex('UNIQUE KEY', reader));
    else if (reader.takeIf('fulltext', 'key')) table.indexes.set(...readIndex('FULLTEXT KEY', reader));
    else if (reader.takeIf('spatial', 'key')) table.indexes.set(...readIndex('SPATIAL KEY', reader));
    else if (reader.takeIf('key')) table.indexes.set(...readIndex('KEY', reader));
    else if (reader.takeIf('constraint')) table.constraints.set(...readConstraint(reader));
    else {
      const name = nameOf(reader.take());
      table.columns.set(name, readColumn(name, reader, collation));
    }
  }
  return table;
}

/** A constraint as `ADD` takes it. */
export const constraintSql = (name: string, { sql }: ConstraintDefinition): string =>
  `CONSTRAINT ${quoted(name)} ${sql}`;

const byName = ([one]: [string, unknown], [other]: [string, unknown]): number => (one < other ? -1 : 1);

/**
 * A table as the statement that creates it, the same for the same table on either server.
 * @param options.foreignKeys false leaves them out
 * @param options.fullText false leaves these indexes out
 */
export function createTableSql(table: TableDefinition, { foreignKeys = true, fullText = true } = {}): string {
  const indexes = [...table.indexes]
    .filter(([, { kind }]) => fullText || kind !== 'FULLTEXT KEY')
    .sort(byName)
    .map(([, { sql }]) => sql);
  const constraints = [...table.constraints].filter(([, { kind }]) => foreignKeys || kind !== 'FOREIGN KEY');
  const lines = [
    ...[...table.columns].map(([name, sql]) => `${quoted(name)} ${sql}`),
    ...indexes,
    ...constraints.sort(byName).map(([name, constraint]) => constraintSql(name, constraint)),
  ];
  const characterSet = table.collation.split('_')[0];
  return `CREATE TABLE ${quoted(table.name)} (\n  ${lines.join(',\n  ')}\n) ENGINE=${table.engine} DEFAULT CHARSET=${characterSet} COLLATE=${table.collation}`;
}
