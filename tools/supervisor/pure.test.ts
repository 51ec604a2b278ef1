import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from '@jest/globals'
import type { Target } from '@re-ops/protocols'
import { agentEnvironment, moteEnvironment, urlOf } from './environment.ts'
import { factsTable } from './first-run.ts'
import { boundLog, logBytesMax, sizeOf, tailOf } from './log-file.ts'
import { parseOptions } from './options.ts'
import { hostNameOf } from './this-machine.ts'
import { duration, namesText } from './words.ts'

const gib = 2 ** 30
const facts = {
  os: { id: 'debian', version: '12' },
  kernel: '6.18.44',
  cpu: { model: 'AMD EPYC 7763 64-Core Processor', count: 2 },
  memory: { totalBytes: 23.5 * gib, availableBytes: 20.4 * gib },
  disks: [{ mount: '/', totalBytes: 252 * gib, usedBytes: 22.25 * gib }],
  bootedAt: '2026-11-23T00:00:00Z',
}
const now = Date.parse('2026-11-23T01:30:00Z')
const ok = (name: string, more: object = {}): Target => ({
  host: { id: `0193f2a4-8f00-7000-8000-${name.length.toString().padStart(12, '0')}`, name },
  state: 'ok',
  step: 'facts',
  ms: 1,
  value: { ...facts, ...more },
})

describe('the table of the first run', () => {
  test('has a row with every value for each of a few hosts, this machine first', () => {
    const lines = factsTable([ok('demo-2'), ok('demo-10'), ok('build'), ok('demo-1')], 'build', now)
    expect(lines.slice(1).map(text => text.trim().split(/\s+/)[0])).toEqual(['build', 'demo-1', 'demo-2', 'demo-10'])
    for (const text of lines.slice(1))
      expect(text).toMatch(/debian 12 +6\.18\.44 +2 x AMD EPYC 7763 64-Core +3\.1 of 23\.5 GiB +22\.3 of 252 GiB +1 h$/)
  })

  test('folds many hosts with the same values, and shows failures first with their reason', () => {
    const many = Array.from({ length: 20 }, (_, n) => ok(`web-${n + 1}`))
    const failed: Target = {
      host: ok('db').host,
      state: 'unreachable',
      step: 'facts',
      ms: 1,
      failure: { kind: 'unreachable', message: 'no session', step: 'facts' },
    }
    const lines = factsTable([...many, { ...failed, host: { ...failed.host, name: 'db' } }], 'build', now)
    expect(lines).toHaveLength(3)
    expect(lines[1]).toMatch(/^ {2}db +unreachable +no session$/)
    expect(lines[2]).toMatch(/^ {2}web-1\.\.20 +debian 12/)
  })
})

test('names that count up are one', () => {
  expect(namesText(['web-3', 'web-1', 'web-2', 'db', 'web-7'])).toBe('db, web-1..3, web-7')
})

test('durations', () => {
  expect([3.2, 99.4, 812, 31_000].map(duration)).toEqual(['3 ms', '99 ms', '0.8 s', '31 s'])
})

describe('options', () => {
  test('the folder comes from the option, else the environment, else .reops', () => {
    expect(parseOptions([], {})).toEqual({ ok: { once: false, help: false, state: '.reops' } })
    expect(parseOptions(['--once'], { REOPS_STATE: 'there' })).toEqual({
      ok: { once: true, help: false, state: 'there' },
    })
    expect(parseOptions(['--state', 'here'], { REOPS_STATE: 'there' })).toMatchObject({ ok: { state: 'here' } })
    expect(parseOptions(['--state=here'], {})).toMatchObject({ ok: { state: 'here' } })
  })
  test.each([[['--state']], [['--twice']], [['--state', '--once']]])('%j is refused in one line', args => {
    expect(parseOptions(args, {})).toEqual({ wrong: expect.stringMatching(/^[^\n]+$/) })
  })
})

test('an agent gets no address of a database and no key', () => {
  const environment = {
    PATH: '/bin',
    DATABASE_URL: 'postgres://x',
    REOPS_MASTER_KEY: 'env:K',
    K: 'k',
    REGENT_SLOTS: '4',
  }
  expect(agentEnvironment(environment, 's')).toEqual({
    PATH: '/bin',
    REGENT_SLOTS: '4',
    REGENT_STATE: 's',
    REGENT_PARENT: 'ipc',
  })
  const endpoint = { host: '127.0.0.1', port: 0 }
  const setting = {
    state: 's',
    databaseUrl: 'postgres://mote',
    ports: { mote: 1, core: 2, broker: 3, postgres: 4 },
    endpoints: { mote: endpoint, core: endpoint, broker: endpoint },
  }
  const mote = moteEnvironment(environment, setting, '/dist/agent-1/main.cjs')
  expect(mote).toMatchObject({ DATABASE_URL: 'postgres://mote', REMOTE_PORT: '1', REMOTE_BROKER_PORT: '3' })
  expect(mote['K']).toBeUndefined()
})

test('a service that listens everywhere is reached on loopback', () => {
  expect(urlOf({ host: '0.0.0.0', port: 0 }, 7020)).toBe('http://127.0.0.1:7020')
  expect(urlOf({ host: '::1', port: 0 }, 7020)).toBe('http://[::1]:7020')
})

test('any host name gives a name that a host may have', () => {
  expect(['build-7f3a', '_a b', '...', 'x'.repeat(80)].map(hostNameOf)).toEqual([
    'build-7f3a',
    'a-b',
    'this',
    'x'.repeat(63),
  ])
})

test('a log is bounded, and its tail is what was said since the start, readable', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-log-'))
  const path = join(folder, 'a.log')
  try {
    writeFileSync(path, 'before\n')
    const from = sizeOf(path)
    writeFileSync(path, 'plain\n{"level":"error","msg":"no","err":{"message":"why"}}\n\n', { flag: 'a' })
    expect(tailOf(path, from)).toEqual(['plain', 'error no: why'])
    writeFileSync(path, Buffer.alloc(logBytesMax + 1, 'x'))
    boundLog(path)
    expect([sizeOf(path), sizeOf(`${path}.1`)]).toEqual([0, logBytesMax + 1])
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
