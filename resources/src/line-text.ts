/** Ends of lines and their like, which are one space in a line. */
const breaks = /[\t\n\v\f\r\u0085\u2028\u2029]+/g;

/** What has no width and means nothing in a line; it comes along when text is copied. (Soft hyphen, joiners of words, byte order mark.) */
const nothings = /\u034f|[\u00ad\u180e\u200b\u2060-\u2064\ufeff]/g;

/** What makes a line look like another, or cannot be shown: controls, changes of direction, annotations, codes that are no characters. */
const unfit = /[\p{Cc}\u202a-\u202e\u2066-\u206f\ufff9-\ufffb\u{e0001}]|\p{Noncharacter_Code_Point}/u;

/** A character that can be seen: not even a mark, which needs another to stand on. */
const visible = /[^\p{M}\p{Z}\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2800]/u;

/** A line of text without what nobody sees in it: breaks are spaces, what has no width is gone, and so are spaces around it. */
export const cleanLine = (text: string): string => text.replaceAll(breaks, ' ').replaceAll(nothings, '').trim();

/** Whether a text has nothing in it that a line must not have. */
export const isPlainLine = (text: string): boolean => !unfit.test(text);

/** Whether there is anything to see in a text. */
export const isVisible = (text: string): boolean => visible.test(text);
