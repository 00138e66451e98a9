import { expect, test } from '@jest/globals';
import { slugOf } from './slug.ts';

test.each([
  ['Oﬃce chair', 'office-chair'],
  ['ﬁne ﬂour', 'fine-flour'],
  ['２０２４', '2024'],
  ['Ｈｅｌｌｏ　Ｗｏｒｌｄ', 'hello-world'],
  ['m²', 'm2'],
  ['Ⅷ', 'viii'],
  ['½ kg', '1-2-kg'],
  ['Crème brûlée', 'creme-brulee'],
  ['Straße', 'strasse'],
  ['Œuvre Ægir', 'oeuvre-aegir'],
  ['plain T-Shirt', 'plain-t-shirt'],
  ['🔥', ''],
  ['ﷺ'.repeat(255), expect.stringMatching(/^[a-z0-9-]{200,240}$/)],
])('When the name is %s, then its slug is %s', (name, slug) => {
  expect(slugOf(name)).toEqual(slug);
});
