import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from '@jest/globals'
import type { Module, Run } from '@re-ops/protocols'
import { openWorld, reops, root, type World } from './testing.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(1)
}, 60_000)
afterAll(() => world?.close(), 30_000)

/** Good until 2126. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUKhANyUyfPelzeGBFMfhp8SLQSHUwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEc2l0ZTAgFw0yNjExMjUyMjI1NTRaGA8yMTI2MTEwMTIyMjU1
NFowDzENMAsGA1UEAwwEc2l0ZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABFiX
lgI9x08EWcJRQJVkt8Ah1y7ow5eDvJTre1qkHvUcMeZU6qckeRED9cT6A60bYYlE
o4Xd1BOhN1WrrzAXRpWjUzBRMB0GA1UdDgQWBBSXBHsjHm45s4Vi2HQdd+lN+IZ1
ATAfBgNVHSMEGDAWgBSXBHsjHm45s4Vi2HQdd+lN+IZ1ATAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQCYzQwonSzGEaONEUvAyext3iuUePKAine0
1w35wmrNwgIgJvFNNDPmw/YTytM2iYABOMpMb3vFKK5M3c+Ow23a79k=
-----END CERTIFICATE-----
`
type Line = { ok: boolean; value?: unknown; failure?: { kind: string; message: string }; summary?: { run: string } }
const lines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Line)
const write = (name: string, text: string) => writeFileSync(join(world.folder, name), text)

const operationFile = (said: string) => `
import { operation, Type } from '@re-ops/pipelines'
const said: string = ${JSON.stringify(said)}
export const greet = operation({
  name: 'my.greet', doc: 'Greets.', reads: true,
  input: Type.Object({ times: Type.Integer({ minimum: 1 }) }),
  output: Type.Object({ text: Type.String() }),
  shell: { command: ({ times }) => ['echo', ...Array.from({ length: times }, () => said)], parse: ({ stdout }) => ({ text: stdout.trim() }) },
})
export const other = operation({
  name: 'my.other', doc: 'Says who.', input: Type.Object({}), output: Type.Integer(), native: async () => process.pid,
})
`

test('a pipeline of a file runs: its own operation after one of the catalogue', async () => {
  const { code, out } = await reops(world, ['run', join(root, 'examples/pressure.ts'), '--on', '*', '--json'])
  expect(code).toBe(0)
  const results = lines(out).filter(line => line.summary === undefined)
  expect(results).toHaveLength(2)
  for (const one of results) expect(one).toMatchObject({ ok: true, value: { percent: expect.any(Number) } })
  const named = await reops(world, ['run', `${join(root, 'examples/pressure.ts')}#stalled`, '--on', 'vm', '--json'])
  expect(named.code).toBe(0)
  const input = await reops(world, ['run', join(root, 'examples/pressure.ts'), 'a=1', '--on', 'vm'])
  expect(input).toMatchObject({ code: 2, error: expect.stringContaining('own input') })
}, 60_000)

test('callbacks of a pipeline run at the centre: they see results, make inputs, and pick hosts', async () => {
  write(
    'callbacks.ts',
    `import { ping, shell } from '@re-ops/operations'
import { map, pick, pipeline } from '@re-ops/pipelines'
const wanted: string = 'vm'
export const chosen = pipeline(ping(), pick(r => r.host.name === wanted),
  shell.with(() => ({ argv: ['echo', 'asked by', wanted] })), map(r => ({ at: r.host.name, said: r.value.stdout.trim() })))
export const bad = pipeline(ping(), map(r => { throw new Error('no ' + r.host.name) }))
export const curious = pipeline(ping(), map(() => process.getBuiltinModule('node:fs').readdirSync('/')))`,
  )
  const ask = async (name: string) => {
    const { code, out, error } = await reops(world, ['run', `callbacks.ts#${name}`, '--on', '*', '--json'])
    return {
      code,
      error,
      results: lines(out).filter(line => line.summary === undefined) as (Line & { host: string })[],
    }
  }
  const { code, results } = await ask('chosen')
  expect(code).toBe(1)
  expect(results.find(one => one.host === 'vm')).toMatchObject({ ok: true, value: { at: 'vm', said: 'asked by vm' } })
  expect(results.find(one => one.host === 'demo-1')).toMatchObject({ failure: { kind: 'skipped', step: '2:pick' } })
  for (const [name, said] of [
    ['bad', 'no demo-1'],
    ['curious', 'not there'],
  ] as const) {
    const failed = (await ask(name)).results.find(one => one.host === 'demo-1')
    expect(failed).toMatchObject({ ok: false, failure: { kind: 'invalid', step: '2:map' } })
    expect(failed?.failure?.message).toContain(said)
  }
}, 90_000)

test('the example runs as it is written', async () => {
  const path = join(world.folder, 'site.pem')
  writeFileSync(path, certificate)
  const file = join(root, 'examples/certificate.ts')
  const { code, out } = await reops(world, ['run', file, `path=${path}`, '--on', '*', '--json'])
  const openssl = ['/usr/bin/openssl', '/usr/local/bin/openssl'].some(existsSync)
  const results = lines(out).filter(line => line.summary === undefined)
  expect(results).toHaveLength(2)
  for (const one of results)
    if (openssl) expect(one).toMatchObject({ ok: true, value: { days: expect.any(Number) } })
    else expect(one.failure?.message).toContain('cannot start openssl: it is not there')
  expect(code).toBe(openssl ? 0 : 1)
}, 60_000)

test('an edited file runs on the next call, the run names the code it ran, and a revoked module runs no more', async () => {
  write('ops.ts', operationFile('hello'))
  const run = (...words: string[]) => reops(world, ['run', './ops.ts#greet', ...words, '--on', '*', '--json'])
  const first = await run('times=2')
  expect(lines(first.out)).toMatchObject([{ value: { text: 'hello hello' } }, { value: { text: 'hello hello' } }, {}])
  write('ops.ts', operationFile('good day'))
  const second = await run('times=1')
  expect(lines(second.out)).toMatchObject([{ value: { text: 'good day' } }, { value: { text: 'good day' } }, {}])
  const modules = JSON.parse((await reops(world, ['modules', 'list', '--json'])).out) as Module[]
  const greeting = modules.filter(one => one.operations.some(({ name }) => name === 'my.greet'))
  expect(greeting).toHaveLength(2)
  const id = lines(second.out).at(-1)?.summary?.run ?? ''
  const shown = JSON.parse((await reops(world, ['runs', 'show', id, '--json'])).out) as Run
  expect(shown.modules).toEqual([greeting[0]?.hash])
  expect(await reops(world, ['modules', 'revoke', greeting[0]?.hash.slice(0, 12) ?? '', '--yes'])).toMatchObject({
    code: 0,
  })
  expect(await run('times=1')).toMatchObject({ code: 2, error: expect.stringContaining('was revoked at') })
}, 60_000)

test('faults of a file are one line each with file, line and column', async () => {
  write('broken.ts', 'import { nothing } from "./none.ts"\nexport const a = {\n')
  expect(await reops(world, ['run', 'broken.ts', '--on', '*'])).toMatchObject({
    code: 2,
    error: expect.stringMatching(/^reops: broken\.ts:3:1: Expected identifier but found end of file/),
  })
  write('empty.ts', 'export const a = 1\n')
  const empty = await reops(world, ['run', 'empty.ts', '--on', '*'])
  expect(empty).toMatchObject({ code: 2, error: expect.stringContaining('empty.ts: exports no operation') })
  expect((await reops(world, ['run', 'none.ts', '--on', '*'])).error).toBe('reops: there is no file none.ts\n')
  write('ops.ts', operationFile('faults'))
  const several = await reops(world, ['run', 'ops.ts', '--on', '*'])
  expect(several.error).toContain('write ops.ts#NAME, with one of greet (my.greet), other (my.other)')
  const input = await reops(world, ['run', 'ops.ts#my.greet', 'times=0', '--on', '*'])
  expect(input).toMatchObject({ code: 2, error: expect.stringContaining('/input/times') })
}, 60_000)

test('a native form of a file runs in a process of its own on each host', async () => {
  write('ops.ts', operationFile('native'))
  const { out } = await reops(world, ['run', 'ops.ts#other', '--on', '*', '--json'])
  const pids = lines(out).flatMap(line => (line.ok ? [line.value] : []))
  expect(new Set(pids).size).toBe(2)
}, 60_000)
