import { describe, expect, test } from '@jest/globals';
import { textOf, tokensOf, withoutIdleBrackets } from './expression.ts';

const same: [string, string, string][] = [
  ['the whole', '((char_length(`name`) > 0))', 'char_length(`name`) > 0'],
  ['a text', "(`status` in (_utf8mb4'a (b',_utf8mb4'c'))", "`status` in ('a (b', 'c')"],
  ['each operation', '(((`a` > 0) and (`b` < 1)) or (`c` = 2))', '`a` > 0 and `b` < 1 or `c` = 2'],
  ['a chain', '(((`a` + `b`) + `c`) > 0)', '`a` + `b` + `c` > 0'],
  ['an argument', 'coalesce((`a` + 1),0)', 'coalesce(`a` + 1, 0)'],
  ['what binds less', '(`a` and (`b` or `c`))', '`a` and (`b` or `c`)'],
  ['what is subtracted', '(`a` - (`b` - `c`))', '`a` - (`b` - `c`)'],
  ['what is denied', '(not((`a` or `b`)))', 'not (`a` or `b`)'],
];

describe('expressions of both servers', () => {
  test.each(same)(
    'When brackets are around %s, then they are dropped if they change nothing',
    (_what, sql, expected) => {
      expect(textOf(withoutIdleBrackets(tokensOf(sql))).trim()).toBe(expected);
    },
  );
});
