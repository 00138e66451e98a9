/** A term that a text must hold: whole, or at least its beginning. */
export interface QueryTerm {
  term: string;
  prefix: boolean;
}

/** The most characters of a word that InnoDB's full-text index holds (innodb_ft_max_token_size). */
export const longestTerm = 84;
/** The fewest characters that a term has; the index leaves out shorter words (innodb_ft_min_token_size). */
export const shortestTerm = 3;

/** Characters of scripts that put no spaces between words, with their marks. */
const unspaced =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{scx=Yiii}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}\p{scx=Tibt}\p{scx=Lana}\p{scx=Talu}\p{scx=Tale}\p{scx=Bali}\p{scx=Java}]/u;
const letter = /[\p{L}\p{N}\p{M}]/u;
/** Emoji, currencies, mathematics. What ASCII has of these is punctuation to a search. */
const symbol = /[\p{So}\p{Sc}\p{Sm}]/u;
const ignored = /\p{Default_Ignorable_Code_Point}/u;
/** Accents of Latin, Greek and Cyrillic letters, and the vowel signs of Hebrew and Arabic, which most writers leave out. */
const accents = /[\u0300-\u036f\u0591-\u05bd\u05bf-\u05c7\u064b-\u065f\u0670]/g;

/** A text in which case, accents, widths, ligatures, and the two kana scripts make no difference. */
function folded(text: string): string {
  return (
    text
      .normalize('NFKC')
      .toUpperCase()
      .toLowerCase()
      .normalize('NFKD')
      .replaceAll(accents, '')
      .normalize('NFC')
      // A sigma has another form at the end of a word: where a word ends must make no difference.
      .replaceAll('ς', 'σ')
      .replaceAll(/[ァ-ヶ]/g, (kana) => String.fromCodePoint((kana.codePointAt(0) as number) - 0x60))
  );
}

/** Whether a folded character is a letter or digit of ASCII: nearly all are, so it is asked before any expression. */
const isPlain = (character: string): boolean =>
  (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');

/** A character in letters and digits that every server takes for parts of a word: `_` and four digits of base 36, if it needs them. */
const encoded = (character: string): string =>
  isPlain(character) ? character : `_${(character.codePointAt(0) as number).toString(36).padStart(4, '0')}`;

/** Characters as a term. Its beginning makes it no stop word and no shorter than an index wants; what is too long is cut. */
function termOf(characters: string[]): string {
  let term = 'w_';
  for (const character of characters) {
    const next = term + encoded(character);
    if (next.length > longestTerm) break;
    term = next;
  }
  return term;
}

/** A piece of a text: a word of a spaced script, a symbol, or a run of an unspaced script. */
interface Piece {
  kind: 'word' | 'run' | 'symbol';
  characters: string[];
}

/** Cuts a folded text into pieces. `+` and `#` behind a word make it another one: `c++` is `c`, and `c++`. */
function piecesOf(plain: string): Piece[] {
  const pieces: Piece[] = [];
  let last: Piece | undefined;
  const begin = (kind: Piece['kind'], characters: string[]): void => {
    last = { kind, characters };
    pieces.push(last);
  };
  for (const character of plain) {
    if (character > '\u007f' && ignored.test(character)) continue;
    const kind = kindOf(character);
    const isSigned = last?.kind === 'word' && isSign(last.characters.at(-1));
    if (kind === 'run' && last?.kind === 'run') last.characters.push(character);
    else if (kind === 'word' && last?.kind === 'word' && !isSigned) last.characters.push(character);
    else if (kind !== undefined) begin(kind, [character]);
    else if (last?.kind !== 'word' || !isSign(character)) last = undefined;
    else if (isSigned) last.characters.push(character);
    else begin('word', [...last.characters, character]);
  }
  return pieces;
}

/** `+` and `#` belong to the word that they stand behind. */
const isSign = (character: string | undefined): boolean => character === '+' || character === '#';

/** What a character is a part of; undefined for what stands between words. */
function kindOf(character: string): Piece['kind'] | undefined {
  if (character <= '\u007f') return isPlain(character) ? 'word' : undefined;
  if (letter.test(character)) return unspaced.test(character) ? 'run' : 'word';
  return symbol.test(character) ? 'symbol' : undefined;
}

/** A run as its pairs of neighbours, which any part of it of two characters or more shares. */
const pairsOf = (characters: string[]): string[] =>
  characters.slice(1).map((character, index) => termOf([characters[index] as string, character]));

/**
 * The terms of a text that is to be found, in their order, none twice: its words; of a script without spaces each two
 * characters that stand together, and the last one. They are ASCII, and the same on every server.
 */
export function termsOf(text: string): string[] {
  const plain = folded(text);
  if (isAscii.test(plain)) return asciiTermsOf(plain);
  const pieces = new Map(piecesOf(plain).map((piece) => [`${piece.kind} ${piece.characters.join('')}`, piece]));
  const terms = [...pieces.values()].flatMap(({ kind, characters }) =>
    kind === 'run' ? [...pairsOf(characters), termOf(characters.slice(-1))] : [termOf(characters)],
  );
  return [...new Set(terms)];
}

const isAscii = /^\p{ASCII}*$/u;

/** The same for a folded text that is ASCII, as most are: a batch may have 8 MiB of it, in words that come again and again. */
function asciiTermsOf(text: string): string[] {
  const words = new Set(text.match(/[a-z0-9]+[+#]*/g));
  const terms = [...words].flatMap((word) => {
    const bare = /^[a-z0-9]+/.exec(word)?.[0] ?? word;
    return bare === word ? [termOf([...word])] : [termOf([...bare]), termOf([...word])];
  });
  return [...new Set(terms)];
}

/** The terms of an article number: its words, these cut between letters and digits, and all of it in one. */
export function codeTermsOf(text: string): string[] {
  const characters = [...folded(text)].filter((character) => letter.test(character));
  const parts = folded(text).replaceAll(/(?<=\p{N})(?=\p{L})|(?<=\p{L})(?=\p{N})/gu, ' ');
  const whole = characters.length > 0 ? [termOf(characters)] : [];
  return [...new Set([...termsOf(text), ...termsOf(parts), ...whole])];
}

/**
 * The terms that must all be in a text for a search to find it: each word, the last one as the beginning of one; of a script
 * without spaces any part. What adds characters to a search adds terms, or lengthens one.
 */
export function queryTerms(text: string): QueryTerm[] {
  const pieces = piecesOf(folded(text));
  const terms = new Map<string, QueryTerm>();
  for (const [index, { kind, characters }] of pieces.entries()) {
    // A word with signs behind it is one that was there without them already.
    const next = pieces[index + 1]?.characters;
    const isContinued = kind === 'word' && next !== undefined && isBeginning(characters, next);
    if (isContinued) continue;
    if (kind === 'run' && characters.length > 1) {
      for (const term of pairsOf(characters)) terms.set(term, { term, prefix: false });
    } else {
      const prefix = kind === 'run' || (kind === 'word' && index === pieces.length - 1);
      const term = termOf(characters);
      terms.set(`${term}${prefix ? '*' : ''}`, { term, prefix });
    }
  }
  return [...terms.values()];
}

const isBeginning = (one: string[], other: string[]): boolean =>
  isSign(other.at(-1)) && one.every((character, index) => other[index] === character);
