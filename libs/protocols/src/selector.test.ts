import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import {
  expandNodeset,
  parseSelector,
  parseWithSaved,
  patternMatches,
  selects,
  SelectorError,
  type SelectableHost,
} from './index.ts'

const host = (
  name: string,
  labels: Record<string, string> = {},
  facts: Record<string, unknown> = {},
): SelectableHost => ({
  id: '0193f2a4-8f00-7000-8000-00000000000a',
  name,
  labels,
  facts,
})
const web = host(
  'web-7',
  { role: 'web', env: 'test' },
  {
    os: { id: 'debian', version: '12' },
    cpu: { count: 4, load: 1.5 },
    addresses: ['10.0.0.7', 'fd00::7'],
    disks: [{ mount: '/', fs: 'ext4' }, { mount: '/data' }],
    virtual: true,
  },
)
const picks = (text: string, of = web) => selects(parseSelector(text), of)

describe('selectors', () => {
  test.each([
    ['*', true],
    ['web-7', true],
    ['web-*', true],
    ['web-?', true],
    ['web-[1-6]', false],
    ['web-[1-6,7]', true],
    ['web-[07]', false],
    ['0193f2a4-8f00-7000-8000-00000000000a', true],
    ['role=web', true],
    ['role!=web', false],
    ['nothing!=web', true],
    ['nothing=*', false],
    ["role='web'", true],
    ['role = web', true],
    ['role in (db, web)', true],
    ['role in (db)', false],
    ['fact:os=debian', true],
    ['fact:os.version=1?', true],
    ['fact:cpu.count=4', true],
    ['fact:cpu.count!=4', false],
    ['fact:cpu.count=4.0', true],
    ['fact:cpu.load in (1, 1.50)', true],
    ['fact:cpu.load=1.*', true],
    ['fact:virtual=true', true],
    ['fact:addresses=fd00::7', true],
    ['fact:addresses!=fd00::7', false],
    ['fact:addresses in (10.0.0.1, 10.0.0.[5-9])', true],
    ['fact:disks.mount=/data', true],
    ['fact:disks.fs=ext4', true],
    ['fact:disks.1.mount=/data', true],
    ['fact:disks.0.mount=/data', false],
    ['fact:disks.length=2', true],
    ['fact:disks.mount=*', true],
    ['fact:disks.label=*', false],
    ['fact:nothing.at.all!=x', true],
    ['constructor=?', false],
    ['fact:constructor=*', false],
    ['not role=db and env=test', true],
    ['not (role=web and env=test)', false],
    ['role=db or role=web and env=prod', false],
    ['(role=db or role=web) and env=test', true],
  ])('%s', (text, expected) => {
    expect(picks(text)).toBe(expected)
  })

  test('`and` binds closer than `or`, `not` closest', () => {
    expect(parseSelector('a or not b and c')).toEqual({
      kind: 'or',
      of: [
        { kind: 'name', pattern: 'a' },
        {
          kind: 'and',
          of: [
            { kind: 'not', of: { kind: 'name', pattern: 'b' } },
            { kind: 'name', pattern: 'c' },
          ],
        },
      ],
    })
  })

  test('@saved stands for what is saved, at any depth', () => {
    const saved = new Map([
      ['tests', 'env=test'],
      ['web', '(role=web or role=proxy) and @tests'],
    ])
    expect(parseWithSaved('not @web or x', saved)).toEqual(
      parseSelector('not ((role=web or role=proxy) and env=test) or x'),
    )
  })

  test.each([
    ['role=web and @gone', 13, 'no selector is saved as `gone`'],
    ["'@a' and @deep", 9, 'in `@deep`, character 6: no selector is saved as `gone`'],
    ['x or @bad', 5, 'in `@bad`, character 6: found the end, expected a value'],
    ['@a', 0, 'in `@a`, character 1: in `@b`, character 8: `@a` leads back to itself: @a -> @b -> @a'],
    ['@wide0', 0, 'more than 10000 parts'],
    ['@deep0', 0, 'more than 16 saved selectors within one another'],
  ])('%s is refused at character %i', (text, at, why) => {
    const chain = (stem: string, length: number, of: (next: string) => string) =>
      Array.from({ length }, (_, n): [string, string] => [`${stem}${n}`, n < length - 1 ? of(`@${stem}${n + 1}`) : '*'])
    const saved = new Map([
      ['a', '@b'],
      ['b', 'x and (@a)'],
      ['deep', 'x or @gone'],
      ['bad', 'role='],
      ...chain('deep', 20, next => `not ${next}`),
      ...chain('wide', 8, next => Array.from({ length: 9 }, () => next).join(' or ')),
    ])
    const error = thrownBy(() => parseWithSaved(text, saved))
    expect(error).toBeInstanceOf(SelectorError)
    expect(error).toMatchObject({ at, message: expect.stringContaining(why) })
  })

  test('one that would be saved under a name it leads back to is refused with the way', () => {
    const saved = new Map([['b', 'role=web or @c'], ['c', '@a']]) // prettier-ignore
    expect(thrownBy(() => parseWithSaved('x and @b', saved, ['a']))).toMatchObject({
      at: 6,
      message: expect.stringContaining('@a -> @b -> @c -> @a'),
    })
  })

  test('@saved of `selects` is resolved by the caller', () => {
    expect(
      selects(parseSelector('@mine and env=test'), web, name => parseSelector(name === 'mine' ? 'role=web' : '*')),
    ).toBe(true)
    expect(() => picks('@mine')).toThrow('no saved selector mine')
  })

  test.each([
    ['', 0, 'found the end, expected a name'],
    ['role=', 5, 'found the end, expected a value'],
    ['role=web and', 12, 'found the end'],
    ['role=web env=test', 9, 'found `e`, expected `and`, `or` or the end'],
    ['(role=web', 9, 'found the end, expected `and`, `or` or `)`'],
    ['role in web', 8, 'found `w`, expected `(` after `in`'],
    ['role in (a b)', 11, 'found `b`, expected `,` or `)`'],
    ['web[9-1]', 4, 'a range that goes up'],
    ['role=web[9-1]', 9, 'a range that goes up'],
    ['web[1-99999999]', 4, 'at most 10000 names'],
    ['web[1-9999][1-9999]', 4, 'at most 10000 names'],
    ['web;rm', 3, 'found `;`'],
    ["role='web", 9, 'a closing '],
    ['web-*=x', 0, 'a label key or fact:path before the comparison'],
    ['@', 0, '`@` and a saved name'],
    ['fact:a.0.0.0.0.0=1', 0, 'at most 4 places of lists'],
    ["'a\0b'", 2, 'text without NUL'],
    ['not', 3, 'found the end'],
    ['and', 0, 'found `a`'],
  ])('%s is refused at character %i', (text, at, why) => {
    const error = thrownBy(() => parseSelector(text))
    expect(error).toBeInstanceOf(SelectorError)
    expect(error).toMatchObject({ at, message: expect.stringContaining(why) })
    expect((error as SelectorError).message).toContain(`character ${at + 1}:`)
  })

  test('any text is a selector or a SelectorError that points into it; a selector never throws on a host', () => {
    const words = fc.constantFrom(
      'and',
      'or',
      'not',
      'in',
      '(',
      ')',
      ',',
      '=',
      '!=',
      '*',
      'web[1-3]',
      'a',
      "'x[9-1]'",
      '[',
      ']',
      '@s',
      'fact:os',
      ' ',
    )
    const texts = fc.oneof(
      fc.string(),
      fc.array(words, { maxLength: 20 }).map(parts => parts.join(' ')),
      fc.array(words, { maxLength: 9 }).map(parts => parts.join('')),
    )
    fc.assert(
      fc.property(texts, text => {
        const result = thrownBy(() => selects(parseSelector(text), web, () => ({ kind: 'all' })))
        if (result === null) return
        expect(result).toBeInstanceOf(SelectorError)
        expect((result as SelectorError).at).toBeGreaterThanOrEqual(0)
        expect((result as SelectorError).at).toBeLessThanOrEqual(text.length)
      }),
      { numRuns: 3000 },
    )
  })

  test('parentheses have a limit', () => {
    expect(thrownBy(() => parseSelector('('.repeat(100_000)))).toBeInstanceOf(SelectorError)
    expect(thrownBy(() => parseSelector('not '.repeat(1000)))).toMatchObject({
      message: expect.stringContaining('at most 64 levels'),
    })
  })
})

const thrownBy = (f: () => unknown): unknown => {
  try {
    f()
    return null
  } catch (error) {
    return error
  }
}

describe('nodesets', () => {
  test('ranges are expanded, leading zeros kept, several multiply', () => {
    expect(expandNodeset('web[1-3,7]')).toEqual(['web1', 'web2', 'web3', 'web7'])
    expect(expandNodeset('n[08-11]')).toEqual(['n08', 'n09', 'n10', 'n11'])
    expect(expandNodeset('r[1-2]n[1-2]')).toEqual(['r1n1', 'r1n2', 'r2n1', 'r2n2'])
    expect(expandNodeset('web')).toEqual(['web'])
  })

  test('a pattern matches exactly the names it expands to', () => {
    const range = fc.tuple(fc.nat(30), fc.nat(30), fc.boolean()).map(([from, more, zeros]) => {
      const first = zeros ? String(from).padStart(2, '0') : String(from)
      return `[${first}-${from + more}]`
    })
    fc.assert(
      fc.property(
        fc.constantFrom('', 'a', 'n0'),
        range,
        fc.constantFrom('', 'b', '1'),
        fc.nat(99),
        (before, ranges, after, number) => {
          const pattern = `${before}${ranges}${after}`
          const names = expandNodeset(pattern)
          for (const name of names) expect(patternMatches(pattern, name)).toBe(true)
          for (const text of [`${number}`, `0${number}`]) {
            const name = `${before}${text}${after}`
            expect(patternMatches(pattern, name)).toBe(names.includes(name))
          }
        },
      ),
    )
  })

  test('globs agree with regular expressions', () => {
    const letters = fc.array(fc.constantFrom('a', 'b'), { maxLength: 8 }).map(list => list.join(''))
    const globs = fc.array(fc.constantFrom('a', 'b', '*', '?'), { maxLength: 6 }).map(list => list.join(''))
    fc.assert(
      fc.property(globs, letters, (glob, text) => {
        const regular = new RegExp(`^${glob.replace(/\*/g, '.*').replace(/\?/g, '.')}$`)
        expect(patternMatches(glob, text)).toBe(regular.test(text))
      }),
      { numRuns: 2000 },
    )
  })

  test('a hostile glob costs no more than its length', () => {
    const began = performance.now()
    expect(patternMatches(`${'*a'.repeat(60)}b`, 'a'.repeat(63))).toBe(false)
    expect(performance.now() - began).toBeLessThan(500) // a backtracking matcher would take years
  })
})
