import { describe, expect, test } from '@jest/globals'
import { operation, pipeline, pick, Type } from '@re-ops/pipelines'
import fc from 'fast-check'
import {
  becomeArgv,
  bytes,
  catalogue,
  checkInput,
  duration,
  fileLine,
  load,
  parseShell,
  planShell,
  processList,
  shell,
} from './index.ts'

const left = (stdout: string, code = 0, stderr = '') => ({ stdout, stderr, code, truncated: false })

describe('the input of shell', () => {
  test.each<[unknown, string, string]>([
    [{}, '', 'needs exactly one of argv, script'],
    [{ argv: ['a'], script: 'b' }, '', 'needs exactly one of argv, script'],
    [{ argv: [] }, '/argv', 'must not have fewer than 1 items'],
    [{ argv: ['a'], evn: {} }, '/evn', 'unknown field; allowed are argv, script, env'],
    [{ argv: ['a'], become: { user: 'root; rm' } }, '/become/user', 'must match pattern'],
    [{ argv: ['a'], env: { 'A-B': 'x' } }, '/env/A-B', 'unknown field; allowed are names like ^[A-Za-z_]'],
  ])('%j is refused', (input, path, message) => {
    const errors = checkInput(shell, input)
    expect(errors[0]).toMatchObject({ path: expect.stringContaining(path), message: expect.stringContaining(message) })
  })

  test('any JSON is checked without throwing', () => {
    fc.assert(
      fc.property(fc.constantFrom(...catalogue), fc.jsonValue(), (of, input) => {
        if (checkInput(of, input).length === 0) expect(planShell(of, input).argv.length).toBeGreaterThan(0)
      }),
    )
  })
})

test('a field that is needed in one of several ways is asked for once', () => {
  expect(checkInput(fileLine, { path: '/a', match: 'b' })).toEqual([
    { path: '', message: 'needs line, or match and state' },
  ])
  expect(checkInput(fileLine, {}).map(({ message }) => message)).toEqual([
    'must have required properties path',
    'needs line, or match and state',
  ])
  expect(checkInput(fileLine, { path: '/a', match: 'b', state: 'absent' })).toEqual([])
})

describe('planShell', () => {
  test('gives a script its arguments beside it: nothing of them is ever read by sh', () => {
    const spec = {
      name: 'greet',
      doc: 'Greets.',
      input: Type.Object({ who: Type.String() }),
      output: Type.String(),
      shell: {
        script: () => 'echo "$1"',
        args: ({ who }: { who: string }) => [who],
        parse: ({ stdout }: { stdout: string }) => stdout,
      },
    }
    const who = `-x '"; rm *`
    expect(planShell(operation(spec), { who })).toMatchObject({ argv: ['sh', '-s', '--', who] })
    const withInput = operation({ ...spec, shell: { ...spec.shell, stdin: () => 'in' } })
    expect(planShell(withInput, { who }).argv).toEqual(['sh', '-c', 'echo "$1"', 'sh', who])
  })

  test('carries all that the input says', () => {
    const input = {
      argv: ['id'],
      env: { A: '1' },
      cwd: '/',
      become: { user: 'app' },
      timeoutMs: 5,
      outputBytesMax: 9,
      okCodes: [2],
    }
    expect(planShell(shell, input)).toEqual({ ...input })
  })

  test('a script that was cut off on its way runs nothing: it is inside braces', () => {
    expect(planShell(shell, { script: 'rm x' })).toMatchObject({
      argv: ['sh', '-s'],
      stdin: '{ :; rm x\n} </dev/null\n',
    })
    expect(planShell(shell, { script: 'cat', stdin: 'x' })).toMatchObject({ argv: ['sh', '-c', 'cat'], stdin: 'x' })
  })

  test('become is sudo without a question, unless one is that user already', () => {
    const plan = planShell(shell, { argv: ['id', '-u'], become: { user: 'app' }, env: { A: '1', B: '2' } })
    expect(becomeArgv(plan, 'app')).toEqual(['id', '-u'])
    expect(becomeArgv(plan, 'root')).toEqual(['sudo', '-n', '--preserve-env=A,B', '-u', 'app', '--', 'id', '-u'])
    expect(becomeArgv(planShell(shell, { argv: ['id'] }), 'root')).toEqual(['id'])
  })
})

describe('parseShell', () => {
  test('whatever a program writes, the answer is a value or a failure', () => {
    fc.assert(
      fc.property(fc.constantFrom(...catalogue), fc.string(), fc.nat(3), (of, stdout, code) => {
        const input = of.name === 'shell' ? { argv: ['x'] } : {}
        const okCodes = of.shell?.okCodes?.(input) ?? [0]
        const result = parseShell(of, input, left(stdout, code))
        if (!result.ok) expect(result.failure.kind).toBe(okCodes.includes(code) ? 'invalid' : 'exit')
      }),
    )
  })

  test('a value that is not what the operation promises is `invalid`, and says where', () => {
    const wrong = operation({
      name: 'wrong',
      doc: 'Promises a number.',
      input: Type.Object({}),
      output: Type.Object({ n: Type.Number() }),
      shell: { command: () => ['true'], parse: ({ stdout }) => JSON.parse(stdout) as { n: number } },
    })
    expect(parseShell(wrong, {}, left('{"n":1}'))).toEqual({ ok: true, value: { n: 1 } })
    expect(parseShell(wrong, {}, left('{"n":"x"}'))).toMatchObject({
      failure: { kind: 'invalid', message: 'the output is not what wrong promises: /n must be number' },
    })
    expect(parseShell(wrong, {}, { ...left('{"n"'), truncated: true })).toMatchObject({
      failure: { kind: 'invalid', message: expect.stringContaining('the output was cut at the limit') },
    })
  })

  test('the tail of stderr is bounded', () => {
    const result = parseShell(shell, { argv: ['x'] }, left('', 1, 'e'.repeat(100_000)))
    expect(result.ok ? '' : result.failure.stderrTail).toHaveLength(4096)
  })
})

test('the pipeline of the design compiles: typed from its operations', () => {
  const slow = pipeline(load(), pick(r => r.value.one > r.value.cores), processList({ top: 3 })) // prettier-ignore
  expect(slow).toMatchObject({ kind: 'sequence' })
})

test('numbers for people', () => {
  expect([0, 512, 1536, 3.3e9, 25e9].map(bytes)).toEqual(['0 B', '512 B', '1.5 KiB', '3.1 GiB', '23 GiB'])
  expect([5, 300, 7200, 400_000].map(duration)).toEqual(['5 s', '5 min', '2 h', '4 d'])
})
