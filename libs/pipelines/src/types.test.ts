import { expect, test } from '@jest/globals'
import { gather, map, operation, pick, pipeline, recover, retry, Type, type Step } from './index.ts'

const load = operation({
  name: 'load',
  doc: 'Load.',
  input: Type.Object({}),
  output: Type.Object({ one: Type.Number(), cores: Type.Integer() }),
  reads: true,
  shell: { command: () => ['uptime'], parse: () => ({ one: 1, cores: 2 }) },
})
const processes = operation({
  name: 'process.list',
  doc: 'Processes.',
  input: Type.Object({ top: Type.Optional(Type.Integer()) }),
  output: Type.Array(Type.Object({ pid: Type.Integer() })),
  reads: true,
  shell: { command: () => ['ps'], parse: () => [{ pid: 1 }] },
})
const shell = operation({
  name: 'shell',
  doc: 'A command.',
  input: Type.Object({ argv: Type.Array(Type.String()) }),
  output: Type.Object({ stdout: Type.String() }),
  shell: { command: input => input.argv, parse: result => ({ stdout: result.stdout }) },
})

/** Checked by tsc: an error that is not there any more is an error too. */
export const checkedByTsc = () => {
  const slow: Step<void, { pid: number }[], 'safe'> = pipeline(
    load(),
    pick(r => r.value.one > r.value.cores),
    gather(),
    processes({ top: 3 }),
  )
  const names: Step<void, string> = pipeline(
    load(),
    shell.with((v: { one: number }) => ({ argv: ['echo', String(v.one)] })),
    map(r => `${r.host.name} ${r.value.stdout}`),
  )
  // @ts-expect-error: the input of shell is needed
  shell()
  // @ts-expect-error: top is a number
  processes({ top: 'three' })
  // @ts-expect-error: load gives no `five`
  pipeline(load(), map(r => r.value.five)) // prettier-ignore
  // @ts-expect-error: neither a shell form nor a native one
  operation({ name: 'x', doc: 'x', input: Type.Object({}), output: Type.Object({}) })

  retry(load(), { on: ['unreachable', 'timeout', 'lost'] })
  recover(load(), shell({ argv: ['uptime'] }), { on: ['timeout'] })
  retry(shell({ argv: ['ls'] }), { on: ['unreachable', 'exit'] })
  // @ts-expect-error: shell neither reads nor is idempotent: after a timeout it may have happened
  retry(shell({ argv: ['rm', 'x'] }), { on: ['timeout'] })
  // @ts-expect-error: nor after lost
  recover(shell({ argv: ['rm', 'x'] }), load(), { on: ['lost'] })
  // @ts-expect-error: one operation of a pipeline is enough
  retry(pipeline(load(), shell({ argv: ['rm', 'x'] })), { on: ['lost'] })
  // @ts-expect-error: a cancelled call is not repeated
  retry(load(), { on: ['cancelled'] })
  return [slow, names]
}

test('what tsc refuses is refused at run time too', () => {
  const untyped = retry as (step: unknown, options: unknown) => unknown
  expect(() => untyped(shell({ argv: ['rm'] }), { on: ['timeout'] })).toThrow(
    'retry: on: timeout is allowed only for operations that read or are idempotent, and shell is neither',
  )
  expect(() => untyped(load(), { on: ['cancelled'] })).toThrow('cannot be repeated after')
  expect(() => untyped(load(), { times: 11 })).toThrow('allowed are 1 to 10')
})
