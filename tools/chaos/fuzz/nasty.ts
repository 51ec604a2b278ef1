import type { Random } from '../foundation/random.ts'

const many = 20_000
/** Texts that broke programs elsewhere: empty, NUL, halves of surrogate pairs, right to left, paths, markup, numbers as words. */
export const nastyTexts: readonly string[] = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '\ud800',
  '\udfff\ud800',
  '\ufeff',
  '\u202e\u2066abc\u2069',
  '\u200b\u200d',
  'e' + '\u0301'.repeat(500),
  '👩‍👩‍👧‍👦🏳️‍🌈',
  'İıſK',
  '../../../../etc/passwd',
  '..\\..\\windows',
  '%2e%2e%2f%00',
  '/dev/zero',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  "'; drop table mote.run; --",
  '${7*7}{{7*7}}$(true)`true`',
  '\r\nset-cookie: a=b',
  'null',
  'NaN',
  '-0',
  '1e999',
  '9'.repeat(400),
  '('.repeat(2_000),
  'not '.repeat(2_000) + 'a',
  'a[1-999999999]',
  '*',
  '@a',
  'x'.repeat(many),
]
export const nastyNumbers: readonly number[] = [
  0,
  -0,
  -1,
  1.5,
  5e-324,
  1e308,
  -1e308,
  2 ** 31,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  Number.MAX_SAFE_INTEGER,
]

/** Stand for what no value can hold; `withMarkers` puts them into the JSON text. */
const markers = ['@deep list@', '@deep object@', '@deeper@', '@endless number@', '@digits@', '@long list@'] as const
const deepLevels = 150
const deeperLevels = 50_000
const markerTexts: Readonly<Record<(typeof markers)[number], string>> = {
  '@deep list@': '['.repeat(deepLevels) + ']'.repeat(deepLevels),
  '@deep object@': '{"a":'.repeat(deepLevels) + '1' + '}'.repeat(deepLevels),
  '@deeper@': '['.repeat(deeperLevels) + ']'.repeat(deeperLevels),
  '@endless number@': '1e999',
  '@digits@': '7'.repeat(5_000),
  '@long list@': `[${'0,'.repeat(many)}0]`,
}
const seldomMarkers = ['@deeper@', '@long list@'] as const
const oneIn = 40

/** Any value JSON can say, and some it can barely say. */
export const nastyValue = (random: Random): unknown => {
  const kind = random.between(0, 9)
  if (kind < 4) return random.pick(nastyTexts)
  if (kind < 6) return random.pick(nastyNumbers)
  if (kind === 6) return random.pick([null, true, false, [], {}, [[]], [null], { '': '' }])
  if (kind === 7) return JSON.parse('{"__proto__":{"a":1},"constructor":{"prototype":{}},"length":-1}') as unknown
  if (random.between(1, oneIn) === 1) return random.pick(seldomMarkers)
  return random.pick(markers.filter(one => !seldomMarkers.includes(one as '@deeper@')))
}

const anyMarker = new RegExp(markers.map(one => `"${one}"`).join('|'), 'g')
export const withMarkers = (text: string): string =>
  text.includes('"@') ? text.replace(anyMarker, one => markerTexts[JSON.parse(one) as (typeof markers)[number]]) : text
