import { describe, expect, test } from '@jest/globals'
import { Fault } from '../fault.ts'
import { splitCommand } from './command.ts'
import { durationMs } from './duration.ts'
import { inputOf, sortOf, type Schema } from './input.ts'
import { labelsOf, wholeNumber } from './labels.ts'
import { pickSystems } from './pick.ts'

const refusal = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof Fault && error.exitCode === 2) return error.message
    throw error
  }
  throw new Error('it was accepted')
}

const schema: Schema = {
  type: 'object',
  required: ['path'],
  additionalProperties: false,
  properties: {
    path: { type: 'string' },
    top: { type: 'integer' },
    share: { type: 'number' },
    deep: { type: 'boolean' },
    names: { type: 'array', items: { type: 'string' } },
    ports: { type: 'array', items: { type: 'integer' } },
    by: { anyOf: [{ const: 'cpu' }, { const: 'memory' }] },
    mode: { enum: ['fast', 'slow'] },
    env: { type: 'object' },
  },
}

describe('key=value', () => {
  test('is typed by the schema: text, numbers, booleans, choices, lists from commas', () => {
    const words = [
      'path=/var=x',
      'top=3',
      'share=0.5',
      'deep=true',
      'names=a,b',
      'ports=80,443',
      'by=memory',
      'mode=slow',
    ]
    expect(inputOf('x', schema, words)).toEqual({
      path: '/var=x',
      top: 3,
      share: 0.5,
      deep: true,
      names: ['a', 'b'],
      ports: [80, 443],
      by: 'memory',
      mode: 'slow',
    })
    expect(inputOf('x', schema, ['path=3', 'names='])).toEqual({ path: '3', names: [] })
  })

  test('key:=json goes through as it is, even with line feeds', () => {
    expect(inputOf('x', schema, ['path:="a\\nb"', 'env:={"A":"1"}', 'names:=\n["a,b"]'])).toEqual({
      path: 'a\nb',
      env: { A: '1' },
      names: ['a,b'],
    })
  })

  test.each([
    [['top=3'], 'x needs input `path`; allowed: path (text), top (whole number)'],
    [['path=a', 'pth=b'], 'x has no input `pth`; allowed: path (text)'],
    [['path=a', 'top=three'], 'input `top` of x must be whole number; got `three`'],
    [['path=a', 'top=1.5'], 'input `top` of x must be whole number'],
    [['path=a', 'deep=yes'], 'input `deep` of x must be true or false; got `yes`'],
    [['path=a', 'ports=80,x'], 'input `ports` of x must be list of whole number'],
    [['path=a', 'by=disk'], 'input `by` of x must be "cpu" or "memory"'],
    [['path=a', 'env=A'], "input `env` of x must be object, as JSON: env:='{...}'"],
    [['path=a', 'top:={'], 'input `top` of x: what stands behind := is not JSON'],
    [['path=a', 'path=b'], 'input `path` of x is given twice'],
    [['path'], '`path` is not key=value or key:=json'],
  ])('%j is refused and says what is allowed', (words, message) => {
    expect(refusal(() => inputOf('x', schema, words))).toContain(message)
  })

  test('what must be given in one of several ways is named', () => {
    const text = { type: 'string' }
    const either: Schema = {
      type: 'object',
      required: ['path'],
      properties: { path: text, line: text, match: text, state: text },
      anyOf: [{ required: ['line'] }, { required: ['match', 'state'] }],
    }
    const needs = (...words: string[]) => refusal(() => inputOf('x', either, words)).split(';')[0]
    expect(needs()).toBe('x needs input `path`, and `line` or `match` and `state`')
    expect(needs('path=a', 'match=b')).toBe('x needs input `line` or `match` and `state`')
    expect(inputOf('x', either, ['path=a', 'line=b'])).toEqual({ path: 'a', line: 'b' })
  })

  test('an operation without input says so; an open one takes anything', () => {
    expect(refusal(() => inputOf('ping', { type: 'object', properties: {} }, ['a=1']))).toBe(
      'ping has no input `a`; it takes no input',
    )
    expect(inputOf('any', { type: 'object' }, ['a=1'])).toEqual({ a: '1' })
    expect(sortOf({})).toBe('any value')
  })
})

test('what stands behind the first -- is the command, untouched', () => {
  expect(splitCommand(['run', '--on', '*', '--', 'sh', '-c', 'a -- b', '--json'])).toEqual({
    words: ['run', '--on', '*'],
    command: ['sh', '-c', 'a -- b', '--json'],
  })
  expect(splitCommand(['hosts'])).toEqual({ words: ['hosts'], command: null })
  expect(splitCommand(['run', '--'])).toEqual({ words: ['run'], command: [] })
})

test('durations, labels and counts', () => {
  expect(['500ms', '10s', '1.5s', '5m', '5min', '2h', '30d'].map(text => durationMs(text, '--ttl'))).toEqual([
    500, 10_000, 1_500, 300_000, 300_000, 7_200_000, 2_592_000_000,
  ])
  for (const text of ['10', '', 's', '-1s', '10 weeks', '0s', '900d'])
    expect(refusal(() => durationMs(text, '--timeout'))).toContain(`--timeout: \`${text}\``)
  expect(labelsOf(['a=1,b=2', 'c=x=y'])).toEqual({ a: '1', b: '2', c: 'x=y' })
  expect(refusal(() => labelsOf(['=1']))).toContain('`=1` is not key=value')
  expect(wholeNumber('3', '--count', 1, 200)).toBe(3)
  expect(refusal(() => wholeNumber('201', '--count', 1, 200))).toBe(
    '--count: `201` is not a whole number from 1 to 200',
  )
})

describe('systems by name or selector', () => {
  const system = (name: string, labels: Record<string, string> = {}, type = 'web') => ({
    id: `id-${name}`,
    name,
    labels,
    type,
    provider: 'local' as const,
    phase: 'ready' as const,
  })
  const all = [system('demo-1'), system('demo-2', { env: 'prod' }), system('db-1', {}, 'redis')]
  const names = (which: Parameters<typeof pickSystems>[1]) => pickSystems(all, which).map(one => one.name)

  test('names, ids, globs and ranges', () => {
    expect(names({ names: ['demo-1', 'id-db-1'], on: undefined })).toEqual(['demo-1', 'db-1'])
    expect(names({ names: ['demo-*'], on: undefined })).toEqual(['demo-1', 'demo-2'])
    expect(names({ names: ['demo-[1-2]', 'demo-1'], on: undefined })).toEqual(['demo-1', 'demo-2'])
  })

  test('selectors see labels, type, provider and phase', () => {
    expect(names({ names: [], on: 'type=web and not env=prod' })).toEqual(['demo-1'])
    expect(names({ names: [], on: 'phase=ready and provider=local' })).toEqual(['demo-1', 'demo-2', 'db-1'])
    expect(names({ names: [], on: 'type=none', allowNone: true })).toEqual([])
  })

  test('what finds nothing, or does not parse, or is missing, is wrong usage', () => {
    expect(refusal(() => names({ names: ['demo-1', 'web-9'], on: undefined }))).toContain('no system is called web-9')
    expect(refusal(() => names({ names: [], on: 'type=none' }))).toContain('matches none of 3 systems')
    expect(refusal(() => names({ names: [], on: 'type=' }))).toBe(
      'selector, character 6: found the end, expected a value',
    )
    expect(refusal(() => names({ names: [], on: undefined }))).toContain('give names or --on')
    expect(refusal(() => names({ names: ['a'], on: '*' }))).toContain('not both')
  })
})
