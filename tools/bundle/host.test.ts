import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { catalogue, operationNamed } from '@re-ops/operations'
import { describeOperation, type AnyOperation, type TSchema } from '@re-ops/pipelines'
import * as wire from '@re-ops/protocols'
import { newId } from '@re-ops/protocols'
import { makeValidator } from '@re-ops/protocols/validator'
import { build, type Metafile } from 'esbuild'
import { bundle } from './bundle.ts'
import { bundles, type Bundle } from './bundles.ts'
import { hostOptions } from './host.ts'

const root = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'host-'))
const out = join(folder, 're-gent')
let metafile: Metafile
beforeAll(async () => {
  const { entry, form } = bundles['re-gent'] as Bundle
  metafile = (await bundle(root, out, entry, form)).metafile
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const outputOf = (name: string) =>
  Object.entries(metafile.outputs).find(([path]) => path.endsWith(`/${name}`))?.[1] as Metafile['outputs'][string]
const inputsOf = (name: string): string[] =>
  Object.entries(outputOf(name).inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : []))
const start = () =>
  spawnSync(process.execPath, [join(out, 'main.cjs'), '--state', join(folder, 'state')], {
    env: { PATH: process.env['PATH'] ?? '' },
    encoding: 'utf8',
    timeout: 60_000,
  })
const load = createRequire(import.meta.url)
type Family = { familyWith(make: typeof makeValidator): AnyOperation | readonly AnyOperation[] }
/** The operations as the files beside the program give them. */
const shipped = (): ReadonlyMap<string, AnyOperation> => {
  const files = readdirSync(out).filter(name => /^operations\.(?!native)\w+\.cjs$/.test(name))
  const all = files.flatMap(name => (load(join(out, name)) as Family).familyWith(makeValidator))
  return new Map(all.map(one => [one.name, one]))
}
const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/** What a source of protocols exports, bundled for a host. */
const forHost = async (source: string): Promise<Record<string, unknown>> => {
  const outfile = join(out, `${source}.cjs`) // beside the compiler of schemas
  const { outExtension: _, ...options } = hostOptions(root)
  const entryPoints = [join(root, 'libs/protocols/src', `${source}.ts`)]
  await build({ ...options, absWorkingDir: root, entryPoints, outfile, bundle: true, platform: 'node' })
  return load(outfile) as Record<string, unknown>
}

test('the program of the agent holds no type language, no schema compiler, nothing to enrol with and no operation', () => {
  const inputs = inputsOf('program.cjs')
  expect(inputs.filter(path => /typebox\/build\/(type|compile)\/|@hpke/.test(path))).toEqual([])
  expect(inputs).not.toContain('apps/re-gent/src/http.ts')
  expect(inputs).not.toContain('libs/pipelines/src/operation.ts') // declares one
})

test('at its start the agent loads of Node what an idle one needs', () => {
  const builtins = outputOf('program.cjs').imports.map(({ path }) => path.replace(/^node:/, ''))
  const dear = ['fs/promises', 'timers/promises', 'perf_hooks', 'http', 'https', 'tls', 'worker_threads', 'readline']
  expect(builtins.filter(name => dear.includes(name))).toEqual([])
})

test('it starts with its code cache, with that of another program, with half of it and without', () => {
  const cache = join(out, 'program.cache')
  const whole = readFileSync(cache)
  expect(whole.length).toBeGreaterThan(50_000)
  const said = start()
  expect(said.stderr).toContain('REGENT_URL')
  expect(said.status).toBe(2)
  truncateSync(cache, Math.floor(whole.length / 2))
  expect(start()).toMatchObject({ status: 2, stderr: said.stderr })
  writeFileSync(cache, Buffer.from(whole).fill(7, 0, 64))
  expect(start()).toMatchObject({ status: 2, stderr: said.stderr })
  rmSync(cache)
  expect(start()).toMatchObject({ status: 2, stderr: said.stderr })
  writeFileSync(cache, whole)
})

test('the operations of the agent are those of the catalogue, with its schemas and its checks', () => {
  const operations = shipped()
  expect([...operations.keys()].toSorted()).toEqual(catalogue.map(one => one.name).toSorted())
  for (const operation of catalogue) {
    const lean = operations.get(operation.name) as AnyOperation
    expect({ name: operation.name, ...(json(describeOperation(lean)) as object) }).toEqual(
      json(describeOperation(operation)),
    )
    for (const value of [{}, null, 'x', [], { unknown: true }, { argv: ['true'], timeoutMs: -1 }]) {
      expect(lean.checkInput(value)).toEqual(operation.checkInput(value))
      expect(lean.checkOutput(value)).toEqual(operation.checkOutput(value))
    }
  }
})

test('an agent that is busy compiles schemas with a file of its own, and judges as before', () => {
  const { Compile } = load(join(out, 'compiler.cjs')) as {
    Compile(schema: TSchema): { Check(value: unknown): boolean }
  }
  for (const { input, checkInput } of shipped().values()) {
    const compiled = Compile(input)
    for (const value of [{}, null, 'x', { unknown: true }, { top: 3 }, { argv: ['true'] }, { path: '/etc' }])
      expect(compiled.Check(value)).toBe(checkInput(value).length === 0)
  }
})

test('the program finds an operation when it is asked for, and knows who has a native form', async () => {
  const program = join(folder, 'ask')
  const entry = join(folder, 'ask.ts')
  writeFileSync(
    entry,
    [
      `import { operationNamed } from '${root}/libs/operations/src/index.ts'`,
      `import { natives } from '${root}/libs/operations/src/native.ts'`,
      `const say = value => console.log(JSON.stringify(value))`,
      `say([operationNamed('uptime')?.doc, operationNamed('no.such') ?? null, natives.has('uptime'), natives.has('ping')])`,
      `void natives.get('ping')({}, { signal: new AbortController().signal }).then(say)`,
      `process.exitCode = 2 // as the program of a host that is not configured`,
    ].join('\n'),
  )
  await bundle(root, program, relative(root, entry), 'host')
  const [found, answer] = spawnSync(process.execPath, [join(program, 'main.cjs')], { encoding: 'utf8' })
    .stdout.trim()
    .split('\n')
  expect(JSON.parse(found ?? '')).toEqual([operationNamed('uptime')?.doc, null, false, true])
  expect(JSON.parse(answer ?? '')).toMatchObject({ pong: true })
})

test('the messages of the agent are those of the broker, and are judged alike', async () => {
  const lean = (await forHost('wire')) as unknown as Pick<typeof wire, 'fromAgent' | 'fromBroker'>
  const nonce = 'n'.repeat(43)
  const start = { agent: newId(), boot: newId(), nonce, versions: [1] }
  const limits = { timeoutMs: 1, outputBytesMax: 0, requestId: 'r' }
  const frames = [
    wire.fromAgent.encode('hello.start', start),
    wire.fromAgent.encode('hello.start', { ...start, agent: '../etc', versions: [] }),
    wire.fromAgent.encode('call.result', { id: newId(), ms: -1, result: { ok: true, value: 1 } }),
    wire.fromBroker.encode('call', { id: newId(), operation: 'x'.repeat(200), input: null, ...limits }, nonce),
    wire.fromBroker.encode('session.end', { reason: 'r', retry: 'no' as never }),
    Buffer.from('{"k":"call.settled","v":1,"b":{"ids":["x",1,null]}}'),
  ]
  const sides = [
    [lean.fromAgent, wire.fromAgent],
    [lean.fromBroker, wire.fromBroker],
  ] as const
  for (const [ours, theirs] of sides) {
    expect(json(ours.messages)).toEqual(json(theirs.messages))
    for (const frame of frames) expect(ours.decode(frame)).toEqual(theirs.decode(frame))
  }
})

test.each(['enrolment', 'host', 'outcome', 'ids'])('the schemas of %s are those that typebox makes', async source => {
  const lean = await forHost(source)
  const full = (await import(`../../libs/protocols/src/${source}.ts`)) as Record<string, unknown>
  const schemas = Object.entries(full).filter(([, value]) => typeof value === 'object')
  expect(schemas.length).toBeGreaterThan(0)
  for (const [name, schema] of schemas) expect(json({ [name]: lean[name] })).toEqual(json({ [name]: schema }))
})
