import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { hostNameOf } from '../supervisor/this-machine.ts'
import { eventually, openWorld, reops, type World } from './testing.ts'

let world: World
beforeAll(async () => {
  world = await openWorld(2)
}, 60_000)
afterAll(() => world?.close(), 30_000)

const here = hostNameOf(hostname())
const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
const id = expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
const number = expect.any(Number)

describe('the contract for programs', () => {
  test('hosts --json', async () => {
    const { code, out } = await reops(world, ['hosts', '--json'])
    const hosts = JSON.parse(out) as Record<string, unknown>[]
    expect(code).toBe(0)
    expect(hosts).toHaveLength(3)
    for (const host of hosts)
      expect(host).toMatchObject({
        id,
        name: expect.any(String),
        labels: expect.any(Object),
        online: true,
        transport: 'zmq',
        pid: number,
      })
    expect(hosts.find(host => host['name'] === here)?.['pid']).toBe(world.cluster.pids().agent)
  }, 30_000)

  test('systems list --json', async () => {
    const { code, out } = await reops(world, ['systems', 'list', '--json'])
    const systems = JSON.parse(out) as Record<string, unknown>[]
    expect(code).toBe(0)
    expect(systems).toHaveLength(2)
    for (const system of systems) {
      expect(system).toMatchObject({ id, name: expect.any(String), provider: 'local', type: 'demo', phase: 'ready' })
      const phases = system['phases'] as { name: string; ms: number | null }[]
      expect(phases.map(phase => phase.name)).toEqual(expect.arrayContaining(['requested', 'booting', 'ready']))
      for (const phase of phases)
        expect(phase).toEqual({ name: phase.name, at: expect.any(String), ms: phase.name === 'ready' ? null : number })
    }
  }, 30_000)

  test('run --json: exit code 0 when all are ok', async () => {
    const { code, out } = await reops(world, ['run', 'uptime', '--on', '*', '--json'])
    const lines = jsonLines(out)
    const summary = lines.pop()
    expect(code).toBe(0)
    expect(summary).toEqual({ summary: { run: id, expected: 3, ok: 3, failed: 0, failures: {} } })
    for (const line of lines)
      expect(line).toEqual({ host: expect.any(String), id, ok: true, value: expect.anything(), ms: number })
  }, 30_000)

  test('run --json: exit code 1 when a target failed, with kind, message and step', async () => {
    const script = 'test "$0" != x; exit 7'
    const { code, out } = await reops(world, ['run', '--on', here, '--json', '--', 'sh', '-c', script])
    const [line, last] = jsonLines(out)
    expect(code).toBe(1)
    expect(line).toMatchObject({ host: here, id, ok: false, ms: number })
    expect(line?.['failure']).toMatchObject({ kind: 'exit', message: expect.any(String), step: expect.any(String) })
    expect(last).toEqual({ summary: { run: id, expected: 1, ok: 0, failed: 1, failures: { exit: 1 } } })
  }, 30_000)

  test('a selector that matches nothing: exit code 2, or 0 with --allow-none', async () => {
    for (const words of [['run', 'ping'], ['hosts']]) {
      expect(await reops(world, [...words, '--on', 'role=none'])).toMatchObject({ code: 2, out: '' })
      expect((await reops(world, [...words, '--on', 'role=none', '--allow-none', '--json'])).code).toBe(0)
    }
  }, 60_000)

  test('not allowed: exit code 3', async () => {
    const REOPS_TOKEN = await world.token(['runs:read'])
    expect(await reops(world, ['run', 'ping', '--on', '*', '--json'], { REOPS_TOKEN })).toMatchObject({
      code: 3,
      out: '',
    })
  }, 30_000)
})

describe('runs in turns', () => {
  const lastLine = (text: string) => jsonLines(text).at(-1)

  test('a canary that fails keeps the others from beginning; a retry is the same again', async () => {
    const mark = join(world.folder, 'began')
    const script = `echo . >>"${mark}"; exit $(wc -l <"${mark}")`
    const options = ['--canary', '1', '--batch', '50%', '--deadline', '1m', '--json', '--', 'sh', '-c', script]
    const first = await reops(world, ['run', '--on', '*', ...options])
    expect(first.code).toBe(1)
    expect(lastLine(first.out)).toMatchObject({
      summary: { expected: 3, ok: 0, failures: { exit: 1, skipped: 2 } },
      stopped: { rule: 'canary', reason: '1 of 1 canaries failed, allowed are 0', cancelRunning: false },
    })
    expect(readFileSync(mark, 'utf8')).toBe('.\n')
    const skipped = await reops(world, ['runs', 'retry', 'last', '--state', 'skipped', '--json'])
    expect(lastLine(skipped.out)).toMatchObject({ summary: { expected: 2, failures: { exit: 1, skipped: 1 } } })
    expect(readFileSync(mark, 'utf8')).toBe('.\n.\n')
    const shown = await reops(world, ['runs', 'show', 'last'])
    expect(shown.out).toContain('  retry of ')
    expect(shown.out).toContain('stopped: 1 of 1 canaries failed, allowed are 0\n')
  }, 60_000)

  test('a dry run says what it would do, and nothing is done', async () => {
    const path = join(world.folder, 'made')
    const ensure = ['run', 'directory.ensure', `path=${path}`, '--on', here, '--json']
    const dry = await reops(world, [...ensure, '--dry-run'])
    expect(dry.code).toBe(0)
    expect(jsonLines(dry.out)[0]).toMatchObject({ ok: true, value: { changed: false, wouldChange: true } })
    expect(lastLine(dry.out)).toMatchObject({ dryRun: true })
    expect(existsSync(path)).toBe(false)
    const real = await reops(world, ensure)
    expect(jsonLines(real.out)[0]).toMatchObject({ ok: true, value: { changed: true } })
    expect(existsSync(path)).toBe(true)
    const shell = await reops(world, ['run', '--on', here, '--dry-run', '--', 'rmdir', path])
    expect(shell.out).toContain('rejected: dry run: shell cannot say what it would do, so it was not asked')
    expect(existsSync(path)).toBe(true)
  }, 60_000)
})

test('a killed agent is `unreachable` in the next run, it alone, and ok again when it is back', async () => {
  const run = async () => {
    const { code, out } = await reops(world, ['run', 'ping', '--on', '*', '--json'])
    const lines = jsonLines(out).filter(line => 'host' in line)
    const failed = lines.filter(line => line['ok'] === false)
    return {
      code,
      expected: lines.length,
      failed: failed.map(line => [line['host'], (line['failure'] as { kind: string }).kind]),
    }
  }
  expect(await run()).toEqual({ code: 0, expected: 3, failed: [] })
  expect(world.cluster.kill('agent')).toBe(true)
  expect(await run()).toEqual({ code: 1, expected: 3, failed: [[here, 'unreachable']] })
  const { out } = await reops(world, ['run', 'ping', '--on', '*'])
  expect(out.split('\n').filter(line => line.includes('unreachable')).length).toBeLessThanOrEqual(3) // its row, who is missing, the counts
  await eventually('the agent is back', async () => ((await run()).code === 0 ? true : null))
}, 90_000)

test('with re-mote stopped a run has exit code 3, one line and no table', async () => {
  const { moteUrl, coreUrl, token } = world.cluster
  await world.cluster.stop()
  const environment = { REOPS_MOTE_URL: moteUrl, REOPS_CORE_URL: coreUrl, REOPS_TOKEN: token }
  for (const words of [['run', 'ping', '--on', '*'], ['hosts']]) {
    const { code, out, error } = await reops(world, words, environment)
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(error).toBe(
      `reops: re-mote at ${moteUrl} is unreachable: connection refused; is the cluster running? (\`npm start\`)\n`,
    )
  }
  const { code, error } = await reops(world, ['systems', 'list'], environment)
  expect([code, error]).toEqual([
    3,
    expect.stringMatching(/^reops: re-core at \S+ is unreachable: connection refused; [^\n]+\n$/),
  ])
}, 60_000)
