import { afterAll, describe, expect, test } from '@jest/globals'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { moduleHash } from '@re-ops/protocols'
import { capturedBy } from './captured.ts'
import { openModuleFile } from './file.ts'
import { moduleOfFunction } from './function.ts'

// In a folder of its own, far from any node_modules: our library is found all the same.
const folder = mkdtempSync(join(tmpdir(), 'make-'))
afterAll(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
const make = async (name: string) => {
  const file = await openModuleFile(name, folder)
  try {
    return await file.make()
  } finally {
    await file.close()
  }
}
const text = (more = '', body = "shell: { command: () => ['true'], parse: () => ({ n: one }) }") => `
import { operation, Type${more} } from '@re-ops/pipelines'
const one: number = 1
export const first = operation({
  name: 'my.first', doc: 'First.', reads: true, varies: ['at'], summary: { n: ['min'] },
  input: Type.Object({ path: Type.Optional(Type.String()) }), output: Type.Object({ n: Type.Integer() }),
  ${body},
})`

test('a file becomes a small module that imports nothing, with its schemas as data', async () => {
  mkdirSync(join(folder, 'lib'), { recursive: true })
  write(
    'lib/part.ts',
    `import { readFileSync } from 'fs'\nexport const two = (): number => readFileSync('/dev/null').length + 2`,
  )
  write('ops.ts', `${text()}\nexport { two } from './lib/part.ts'\n`)
  const made = await make('ops.ts')
  expect(made.hash).toBe(moduleHash(made))
  expect(made.exports).toEqual({ first: 'my.first' })
  expect(made.operations).toEqual([
    {
      name: 'my.first',
      doc: 'First.',
      reads: true,
      idempotent: false,
      forms: ['shell'],
      input: { type: 'object', properties: { path: { type: 'string' } } },
      output: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
      summary: { n: ['min'] },
      varies: ['at'],
    },
  ])
  expect(made.code.length).toBeLessThan(1_500)
  expect([...made.code.matchAll(/\bfrom\s*"([^"]+)"/g)].map(match => match[1])).toEqual(['node:fs'])
})

test('the same text is the same module wherever it lies, another text is another', async () => {
  write('a.ts', text())
  const opened = await openModuleFile('a.ts', folder)
  const before = await opened.make()
  expect((await opened.make()).hash).toBe(before.hash)
  write('a.ts', text().replace('= 1', '= 2'))
  const after = await opened.make()
  await opened.close()
  expect(after.hash).not.toBe(before.hash)
  expect(after.code).toContain('one = 2')
})

test('a file that uses more of the library gets it bundled', async () => {
  write(
    'more.ts',
    text(', canonical', "shell: { command: () => ['true'], parse: () => ({ n: canonical({}).length }) }"),
  )
  const made = await make('more.ts')
  expect(made.code).toContain('canonical')
  expect(made.operations[0]?.input).toEqual({ type: 'object', properties: { path: { type: 'string' } } })
})

test.each([
  ['syntax.ts', 'export const a = {\n', 'syntax.ts:2:1: Expected identifier but found end of file'],
  ['import.ts', 'import x from "./gone.ts"\nexport { x }', 'import.ts:1:15: Could not resolve "./gone.ts"'],
  ['name.ts', 'import { Typo } from "@re-ops/pipelines"\nexport const a = Typo()', 'name.ts:1:10: No matching export'],
  ['none.ts', 'export const a = 1', 'none.ts: exports no operation'],
  ['throws.ts', 'export const a = null.b', 'throws.ts: Cannot read properties of null'],
  ['repl.ts', 'import "node:repl"', 'node:repl may not be used by a live module'],
  ['native.ts', text('', 'native: true'), 'native.ts: first: native: true is for the catalogue'],
  [
    'twice.ts',
    `${text()}\nexport const second = operation({ ...first, name: 'my.first' } as never)`,
    'two operations are called my.first',
  ],
])('%s is refused with its place and reason', async (name, content, why) => {
  write(name, content)
  await expect(make(name)).rejects.toThrow(why)
})

test.each([
  ['() => 1', []],
  ['async ({ fs }) => (await fs.readdir("/etc")).length', []],
  ['() => limit', ['limit']],
  ['({ a: { b = c } }) => { let d = b; { const e = d } return typeof f + e + label(d) }', ['c', 'f', 'e', 'label']],
  ['function self(n) { return n ? self(n - 1) : [Map, Buffer, console, process, new URL("a:b")] }', []],
  ['() => { for (const x of xs) y = x; try { z } catch (error) { error } }', ['xs', 'y', 'z']],
  ['() => ({ key, other: 1, [name]: 2 }).other', ['key', 'name']],
  ['() => { loop: for (;;) break loop; class A extends B { #c = 1; d() { return this.#c } } }', ['B']],
])('what is captured by %s', (source, names) => expect(capturedBy(source)).toEqual({ ok: true, names }))

test('captured variables are refused by name, with what to write instead', () => {
  const limit = 4
  const other = 5
  expect(() => moduleOfFunction(() => limit)).toThrow(
    "refused: `limit` is captured from the prompt; hosts cannot see it. Pass it: run('*', ({ input }) => input, { input: limit })",
  )
  expect(() => moduleOfFunction(() => limit + other)).toThrow('`limit` and `other` are captured')
})

test('a function is named by its text; what is none is refused', () => {
  expect(moduleOfFunction('() => 1').hash).toBe(moduleOfFunction(() => 1).hash)
  expect(moduleOfFunction({ async count() {} }.count).code).toContain('async function () {}')
  expect(() => moduleOfFunction(Math.max)).toThrow('it is built in')
  expect(() => moduleOfFunction('class A {}')).toThrow('it is a class')
  expect(() => moduleOfFunction('() => {')).toThrow('not a function that can travel')
})

describe('pipelines of a file', () => {
  const read = async (name: string) => {
    const file = await openModuleFile(name, folder)
    try {
      return await file.read()
    } finally {
      await file.close()
    }
  }

  test('become data that names the module of its own operations; what the catalogue has does not travel', async () => {
    write(
      'pipe.ts',
      `import { ping } from '@re-ops/operations'\n${text(', pipeline, recover, retry, via')}
export const checked = pipeline(retry(ping(), { times: 2 }), recover(first({ path: '/a' }), via('ssh', first())))`,
    )
    const { module, pipelines } = await read('pipe.ts')
    expect(module?.exports).toEqual({ first: 'my.first' })
    expect(module?.code.length).toBeLessThan(5_000)
    expect(module?.code).not.toContain('ping')
    const own = { kind: 'call', operation: 'my.first', module: module?.hash }
    expect(pipelines).toEqual({
      checked: {
        kind: 'sequence',
        steps: [
          { kind: 'retry', times: 2, step: { kind: 'call', operation: 'ping' } },
          {
            kind: 'recover',
            step: { ...own, input: { path: '/a' } },
            fallback: { kind: 'via', transport: 'ssh', step: own },
          },
        ],
      },
    })
    write('ops-only.ts', text())
    expect(module?.operations).toEqual((await make('ops-only.ts')).operations)
  })

  test('of the catalogue alone need no module', async () => {
    write(
      'plain.ts',
      `import { ping, load } from '@re-ops/operations'\nimport { pipeline } from '@re-ops/pipelines'\nexport default pipeline(ping(), load())`,
    )
    const { module, pipelines } = await read('plain.ts')
    expect(module).toBeNull()
    expect(pipelines).toMatchObject({ default: { kind: 'sequence' } })
  })

  test('with callbacks name the places of these in a module that has the pipelines too', async () => {
    write(
      'callback.ts',
      `import { load, processList } from '@re-ops/operations'\nimport { map, pick, pipeline } from '@re-ops/pipelines'
const top: number = 3
export const busy = pipeline(load(), pick(r => r.value.one > r.value.cores), processList.with(() => ({ top })), map(r => r.value.length))`,
    )
    const { module, pipelines } = await read('callback.ts')
    const code = (at: string) => ({ module: module?.hash, at })
    expect(module?.operations).toEqual([])
    expect(module?.code.length).toBeLessThan(100_000)
    expect(pipelines['busy']).toEqual({
      kind: 'sequence',
      steps: [
        { kind: 'call', operation: 'load' },
        { kind: 'pick', ...code('busy/steps/1') },
        { kind: 'call', operation: 'process.list', with: code('busy/steps/2') },
        { kind: 'map', ...code('busy/steps/3') },
      ],
    })
  })
})
