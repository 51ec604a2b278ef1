import { afterAll, expect, test } from '@jest/globals'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openModuleFile, type Made } from '@re-ops/live/make'
import { makeParsers } from './parsers.ts'

const folder = mkdtempSync(join(tmpdir(), 'parsers-'))
const parsers = makeParsers()
afterAll(() => {
  parsers.close()
  rmSync(folder, { recursive: true })
})
const moduleWith = async (parse: string): Promise<Made> => {
  const path = join(folder, 'operations.ts')
  writeFileSync(
    path,
    `import { operation, Type } from '@re-ops/pipelines'
export const words = operation({
  name: 'my.words', doc: 'Counts words.', reads: true,
  input: Type.Object({ text: Type.String() }), output: Type.Object({ words: Type.Integer() }),
  shell: { script: ({ text }) => 'echo ' + text, okCodes: () => [0, 2], parse: ${parse} },
})`,
  )
  const file = await openModuleFile(path, folder)
  try {
    return await file.make()
  } finally {
    await file.close()
  }
}
const left = (stdout: string, code = 0) => ({ stdout, stderr: 'oh\n', code, truncated: false })

test('a live operation is planned and parsed as one of the catalogue', async () => {
  const module = await moduleWith('({ stdout }) => ({ words: stdout.split(" ").length })')
  const input = { text: 'a b c' }
  expect(await parsers.planOf(module, 'my.words', input)).toMatchObject({
    argv: ['sh', '-s'],
    stdin: '{ :; echo a b c\n} </dev/null\n',
    okCodes: [0, 2],
  })
  expect(await parsers.parseOf(module, 'my.words', input, left('a b c', 2))).toEqual({ ok: true, value: { words: 3 } })
  expect(await parsers.parseOf(module, 'my.words', input, left('', 1))).toMatchObject({
    failure: { kind: 'exit', code: 1, message: 'exit code 1: oh' },
  })
  expect(await parsers.planOf(module, 'my.words', { text: 1 })).toMatchObject({ failure: { kind: 'invalid' } })
  expect(await parsers.planOf(module, 'my.other', {})).toMatchObject({ failure: { kind: 'rejected' } })
})

test.each([
  ['throws', '() => { throw new Error("no words") }', 'no words'],
  ['gives another shape', '() => ({ words: "many" })', '/words'],
  ['reads files', '() => ({ words: process.getBuiltinModule("fs").readFileSync("/etc/passwd").length })', 'not there'],
  ['imports files', 'async () => (await import("node:fs/promises")).readFile("/etc/passwd")', 'not there'],
  ['calls out', 'async () => (await import("node:net")).connect(1)', 'not there'],
  ['fetches', '() => fetch("http://127.0.0.1:1")', 'fetch is not defined'],
  ['starts a process', 'async () => (await import("node:child_process")).execSync("id")', 'not there'],
  ['takes the memory', '() => { const kept = []; for (;;) kept.push(Buffer.alloc(1e7, 1)) }', 'MiB of memory'],
])('a parser that %s costs its call an `invalid`, and the next one works', async (_, parse, why) => {
  const module = await moduleWith(parse)
  expect(await parsers.parseOf(module, 'my.words', { text: 'a' }, left('a'))).toMatchObject({
    ok: false,
    failure: { kind: 'invalid', message: expect.stringContaining(why) },
  })
  const good = await moduleWith('() => ({ words: 1 })')
  expect(await parsers.parseOf(good, 'my.words', { text: 'a' }, left('a'))).toMatchObject({ ok: true })
})

test('a runner sees none of the environment of the service', async () => {
  const module = await moduleWith('() => ({ words: Object.keys(process.env).length })')
  expect(await parsers.parseOf(module, 'my.words', { text: 'a' }, left('a'))).toEqual({ ok: true, value: { words: 0 } })
})
