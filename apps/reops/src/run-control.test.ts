import { describe, expect, test } from '@jest/globals'
import { failureKinds } from '@re-ops/protocols'
import { failureStates } from './arguments/states.ts'
import { runNotes, progressText, turnsText } from './render/outcome.ts'
import { makePaint } from './render/paint.ts'
import { problem, reops, serve, type Answer, type Asked } from './testing.ts'

const id = '0193f2a4-8f00-7000-8000-000000000009'
const host = '0193f2a4-8f00-7000-8000-000000000001'
const summary = { run: id, expected: 2, ok: 1, failed: 1, failures: { skipped: 1 } }
const stopped = { rule: 'canary', reason: '1 of 1 canaries failed, allowed are 0', cancelRunning: false }
const targets = [
  { host: { id: host, name: 'web-1' }, state: 'ok', step: null, ms: 5, value: { changed: false } },
  {
    host: { id: id, name: 'web-2' },
    state: 'skipped',
    step: 'shell',
    ms: 6,
    failure: { kind: 'skipped', message: `its turn did not come: ${stopped.reason}`, step: 'shell', started: 'no' },
  },
]
const run = (more: object = {}) => ({
  id,
  on: '*',
  pipeline: { kind: 'call', operation: 'shell' },
  state: 'running',
  createdAt: '2026-01-01T00:00:00.000Z',
  finishedAt: null,
  createdBy: 'me',
  summary: { ...summary, ok: 0, failed: 0, failures: {} },
  ...more,
})
const mote =
  (more: object = {}, first: (asked: Asked) => Answer | undefined = () => undefined) =>
  (asked: Asked): Answer | undefined => {
    const path = asked.path.split('?')[0]
    const given = first(asked)
    if (given) return given
    if (asked.method === 'POST' && path === '/v1/runs') return { status: 202, body: run(more) }
    if (asked.method === 'POST') return { status: 202, body: run({ ...more, retryOf: host }) }
    if (path === '/v1/runs') return { body: [run(more)] }
    if (path === `/v1/runs/${id}`) return { body: run({ ...more, stopped }) }
    if (path === `/v1/runs/${id}/events`)
      return { events: [...targets.map(data => ({ event: 'target', data })), { event: 'done', data: summary }] }
    return undefined
  }
const reach = (url: string) => ({ environment: { REOPS_MOTE_URL: url, REOPS_CORE_URL: url, REOPS_TOKEN: 'token' } })

test('run says how hosts take turns, in the words of the API, and why some had none', async () => {
  await using service = await serve(mote({ control: { canary: '5%' } }))
  const options = [
    '--canary',
    '5%',
    '--batch',
    '20',
    '--batch-wait',
    '2s',
    '--concurrency',
    '8',
    '--max-failures',
    '2%',
  ]
  const more = ['--cancel-running', '--deadline', '1h', '--timeout', '10s', '--', 'true']
  const ended = await reops(['run', '--on', '*', ...options, ...more], reach(service.url))
  expect(service.asked[0]?.body).toMatchObject({
    canary: '5%',
    batch: 20,
    batchWaitMs: 2_000,
    concurrency: 8,
    maxFailures: '2%',
    cancelRunning: true,
    deadlineMs: 3_600_000,
    timeoutMs: 10_000,
  })
  expect(ended.out).toContain('web-2  skipped: its turn did not come: 1 of 1 canaries failed, allowed are 0')
  expect(ended.out).toContain('stopped: 1 of 1 canaries failed, allowed are 0\n')
  expect(ended.code).toBe(1)
})

test('a dry run is marked, for people and for programs', async () => {
  await using service = await serve(mote({ dryRun: true }))
  const args = (...more: string[]) => ['run', '--on', '*', '--dry-run', ...more, '--', 'true']
  const [shown, json] = [await reops(args(), reach(service.url)), await reops(args('--json'), reach(service.url))]
  expect(service.asked[0]?.body).toMatchObject({ dryRun: true })
  expect(shown.out).toContain('dry run: nothing was changed\n')
  expect(JSON.parse(json.out.trim().split('\n').at(-1) ?? '')).toMatchObject({ dryRun: true, summary: { failed: 1 } })
  expect((await reops(['runs'], reach(service.url))).out).toContain('shell (dry)')
})

test.each([
  [['--batch', 'many'], '--batch: `many` is neither a number of hosts from 1 on nor a share such as 10%'],
  [['--canary', '0'], '--canary: `0` is neither'],
  [['--max-failures', '101%'], '--max-failures: `101%` is neither'],
  [['--concurrency', '10%'], '--concurrency: `10%` is not a whole number from 1'],
  [['--deadline', '8d'], '--deadline: `8d` is out of range'],
  [['--batch-wait', 'x'], '--batch-wait: `x` is not a duration'],
])('run %j ends with 2 and one line', async (options, line) => {
  await using service = await serve(mote())
  const ended = await reops(['run', '--on', '*', ...options, '--', 'true'], reach(service.url))
  expect(ended).toMatchObject({ code: 2, out: '' })
  expect(ended.error).toContain(line)
  expect(service.asked).toEqual([])
})

describe('runs', () => {
  test('retry asks for the same on the hosts that failed, and shows it as run does', async () => {
    await using service = await serve(mote())
    const ended = await reops(['runs', 'retry', 'last', '--state', 'lost,timeout', '--yes'], reach(service.url))
    expect(service.asked.find(one => one.method === 'POST')).toMatchObject({
      path: `/v1/runs/${id}/retry`,
      body: { states: ['lost', 'timeout'], force: true },
    })
    expect(ended).toMatchObject({ code: 1, error: '' })
    expect(ended.out).toContain('expected 2 · ok 1 · failed 1 (skipped 1)')
  })

  test('retry of nothing ends with 2 and what the service says; an unknown state before it is asked', async () => {
    const why = `no host of run ${id} failed`
    await using service = await serve(
      mote({}, asked => (asked.method === 'POST' ? problem(422, 'nothing', why) : undefined)),
    )
    const nothing = await reops(['runs', 'retry', id], reach(service.url))
    expect(nothing).toMatchObject({ code: 2, out: '' })
    expect(nothing.error).toContain(why)
    const unknown = await reops(['runs', 'retry', id, '--state', 'broken'], reach(service.url))
    expect(unknown.error).toContain('--state: `broken` is no way to fail; allowed are exit, ')
    expect(failureStates).toEqual(failureKinds)
  })

  test('show reads the targets in pages when they are too much for one answer', async () => {
    const pages = (asked: Asked): Answer | undefined => {
      const [path, query = ''] = asked.path.split('?')
      if (path === `/v1/runs/${id}/targets`) return { body: query.includes('after=') ? [] : targets }
      return path === `/v1/runs/${id}` && query === '' ? problem(413, 'too-large', 'too much') : undefined
    }
    await using service = await serve(mote({ state: 'done', summary }, pages))
    const ended = await reops(['runs', 'show', id], reach(service.url))
    expect(ended).toMatchObject({ code: 0, error: '' })
    expect(ended.out).toContain('web-2  skipped: its turn did not come')
  })

  test('pause and resume say what is held', async () => {
    const rollout = { begun: 3, running: 1, held: 2, stage: 'all', paused: true, waitsFor: 'the run is paused' }
    await using service = await serve(mote({ control: { batch: 1 }, rollout }))
    const paused = await reops(['runs', 'pause', 'last'], reach(service.url))
    expect(paused).toMatchObject({ code: 0, out: `paused ${id}  1 at work · 2 held: the run is paused\n` })
    const resumed = await reops(['runs', 'resume', id, '--json'], reach(service.url))
    expect(JSON.parse(resumed.out)).toMatchObject({ rollout })
    expect(service.asked.map(one => one.path)).toContain(`/v1/runs/${id}/resume`)
  })
})

test('progress says what the next host waits for', () => {
  const batch = { begun: 25, running: 7, held: 17, stage: 'batch' as const, batch: { at: 1, of: 3 }, paused: false }
  const rollout = { ...batch, waitsFor: '7 of 20 hosts of batch 1 of 3 to end' }
  const text = 'batch 1 of 3 · 7 at work · 17 held: waits for 7 of 20 hosts of batch 1 of 3 to end'
  expect(turnsText(rollout)).toBe(text)
  expect(progressText([], 42, 1_200, rollout)).toBe(`  0 of 42 hosts · 1.2 s · ${text}`)
  expect(progressText([], 42, 1_200)).toBe('  0 of 42 hosts · 1.2 s')
  expect(runNotes({}, makePaint(false))).toBe('')
})
