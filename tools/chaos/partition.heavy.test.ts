import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Enrolment, Host, Run, Target } from '@re-ops/protocols'
import { startMote, until, type TestMote } from '@re-ops/re-mote/testing'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { agentProgram } from '../bundle/agent-program.ts'
import { program } from '../acceptance/testing.ts'

/** Two network namespaces: re-mote in the one of this process, hosts in one of their own, a veth pair between them. */
const limitMs = 240_000
const id = randomBytes(3).toString('hex')
const [namespace, here, there] = [`reops-${id}`, `ro${id}a`, `ro${id}b`]
const net = `10.213.${randomBytes(1)[0] ?? 7}`
const ip = (...args: string[]) => {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: 10_000 })
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`)
}
const setUp = () => {
  ip('netns', 'add', namespace)
  ip('link', 'add', here, 'type', 'veth', 'peer', 'name', there)
  ip('link', 'set', there, 'netns', namespace)
  ip('addr', 'add', `${net}.1/24`, 'dev', here)
  ip('link', 'set', here, 'up')
  ip('-n', namespace, 'addr', 'add', `${net}.2/24`, 'dev', there)
  ip('-n', namespace, 'link', 'set', there, 'up')
  ip('-n', namespace, 'link', 'set', 'lo', 'up')
}
const partition = () => ip('link', 'set', here, 'down')
const heal = () => ip('link', 'set', here, 'up')

const folder = mkdtempSync(join(tmpdir(), 'reops-partition-'))
type Agent = { readonly state: string; readonly child: ChildProcess; readonly exited: Promise<number | null> }
const agents = new Set<Agent>()
let postgres: TestPostgres
let mote: TestMote
let main: string

const start = (state: string, environment: Readonly<Record<string, string>>, inside = true): Agent => {
  const command = [process.execPath, main, '--state', state]
  const [name = '', ...args] = inside ? ['ip', 'netns', 'exec', namespace, ...command] : command
  const env = { PATH: process.env['PATH'] ?? '', REGENT_URL: mote.url, REGENT_INSTANCE: 'machine 1', ...environment }
  const child = spawn(name, args, { env, stdio: 'ignore' })
  const agent = { state, child, exited: new Promise<number | null>(done => child.once('exit', done)) }
  agents.add(agent)
  return agent
}
const end = async (agent: Agent): Promise<void> => {
  agent.child.kill('SIGKILL')
  await agent.exited
  agents.delete(agent)
}
/** Heartbeats must be missed, and agents dial again after pauses: that takes longer than tests wait otherwise. */
const eventually = <A>(what: string, look: () => Promise<A>) => until(what, look, 120_000)
const hostOf = async (name: string): Promise<Host | undefined> =>
  ((await mote.ask('GET', '/v1/hosts')).body as Host[]).find(host => host.name === name)
const isIn = (name: string, state: string, online?: boolean) =>
  eventually(`${name} is ${state}`, async () => {
    const host = await hostOf(name)
    return host?.state === state && (online === undefined || host.online === online) ? host : null
  })
/** That very process has the session. */
const isBack = (name: string, { child }: Agent) =>
  eventually(`${name} is back`, async () => {
    const host = await hostOf(name)
    return host?.online === true && host.pid === child.pid
  })
const enrolled = async (name: string, inside = true): Promise<Agent> => {
  const made = (await mote.ask('POST', '/v1/enrolments', { body: { name } })).body as Enrolment
  const agent = start(join(folder, name), { REGENT_TOKEN: made.token ?? '', REGENT_NAME: name }, inside)
  await isIn(name, 'enrolled', true)
  return agent
}
const script = (text: string, timeoutMs: number, on = 'far or near') => ({
  on,
  pipeline: { kind: 'call', operation: 'shell', input: { script: text } },
  timeoutMs,
})
const begin = async (body: object): Promise<string> => ((await mote.ask('POST', '/v1/runs', { body })).body as Run).id
const runOf = async (run: string) => (await mote.ask('GET', `/v1/runs/${run}`)).body as Run & { targets: Target[] }
const isDone = (run: string) =>
  eventually('the run is done', async () => {
    const now = await runOf(run)
    return now.state === 'done' ? now : null
  })
const targetOf = (run: { targets: Target[] }, name: string) => run.targets.find(({ host }) => host.name === name)
/** How many processes of exactly that command there are. */
const running = (command: string): number =>
  spawnSync('pgrep', ['-f', '-x', command], { encoding: 'utf8' }).stdout.split('\n').filter(Boolean).length
const reops = (...args: string[]) =>
  mote
    .token('admin')
    .then(token => program('apps/reops/src/main.ts', args, { REOPS_MOTE_URL: mote.url, REOPS_TOKEN: token }))
const audited = async (action: string, host: string) =>
  ((await mote.ask('GET', '/v1/audit')).body as { action: string; host: string | null }[]).filter(
    entry => entry.action === action && entry.host === host,
  )

beforeAll(async () => {
  setUp()
  main = await agentProgram()
  postgres = await testPostgres()
  const environment = { REMOTE_HOST: `${net}.1`, REMOTE_BROKER_HOST: `${net}.1`, REOPS_LOG_LEVEL: 'warn' }
  mote = await startMote({ databaseUrl: postgres.url, environment })
}, limitMs)
afterAll(async () => {
  await Promise.all([...agents].map(end))
  await mote?.stop()
  await postgres?.drop()
  spawnSync('ip', ['link', 'del', here])
  spawnSync('ip', ['netns', 'del', namespace])
  rmSync(folder, { recursive: true, force: true })
}, limitMs)

describe('a network that parts in the middle of a run and heals', () => {
  beforeAll(async () => {
    await Promise.all([enrolled('far'), enrolled('near', false)])
  }, limitMs)

  test(
    'the run ends complete: what ran meanwhile on the far side arrives',
    async () => {
      const run = await begin(script('sleep 4.0213; echo done', 60_000))
      await eventually('both have begun', async () => running('sleep 4.0213') === 2)
      partition()
      await eventually('the near one ends', async () => targetOf(await runOf(run), 'near')?.state === 'ok')
      expect(targetOf(await runOf(run), 'far')?.state).not.toBe('ok')
      heal()
      const { summary, targets } = await isDone(run)
      expect(summary).toMatchObject({ expected: 2, ok: 2, failed: 0 })
      expect(targets.map(({ value }) => (value as { stdout: string }).stdout)).toEqual(['done\n', 'done\n'])
    },
    limitMs,
  )

  test(
    'what its limit is over for is lost, and its result is kept beside as late',
    async () => {
      const run = await begin(script('sleep 3.0213; echo done', 4_000))
      await eventually('both have begun', async () => running('sleep 3.0213') === 2)
      partition()
      const done = await isDone(run)
      expect(targetOf(done, 'near')?.state).toBe('ok')
      expect(targetOf(done, 'far')).toMatchObject({ state: 'lost', failure: { kind: 'lost', started: 'yes' } })
      heal()
      const far = await eventually('the late result', async () => {
        const target = targetOf(await runOf(run), 'far')
        return target?.late ? target : null
      })
      expect(far).toMatchObject({ state: 'lost', late: { ok: true, value: { stdout: 'done\n' } } })
      await isIn('far', 'enrolled', true)
    },
    limitMs,
  )
})

describe('a copy of a host', () => {
  test(
    'on the same machine puts it in quarantine until `reops hosts release`, which is audited',
    async () => {
      const original = await enrolled('copied')
      const { id: host } = await isIn('copied', 'enrolled', true)
      const state = join(folder, 'copied-again')
      cpSync(original.state, state, { recursive: true })
      const copy = start(state, { REGENT_NAME: 'copied' })
      await isIn('copied', 'quarantined', false)
      const shown = await reops('hosts')
      expect(shown.out).toMatch(/copied +quarantined/)
      expect((await reops('hosts', 'show', 'copied')).out).toMatch(/this may be a copy|two living copies/)
      await end(copy)
      const released = await reops('hosts', 'release', 'copied', '--yes')
      expect([released.code, released.out]).toEqual([0, 'copied  released\n'])
      await isIn('copied', 'enrolled', true)
      expect([await audited('host.quarantined', host), await audited('host.confirmed', host)]).toMatchObject([
        [{}],
        [{}],
      ])
    },
    limitMs,
  )

  test(
    'on another machine stays out, and the host does not notice',
    async () => {
      const state = join(folder, 'elsewhere')
      cpSync(join(folder, 'copied'), state, { recursive: true })
      const copy = start(state, { REGENT_INSTANCE: 'machine 2' })
      expect(await copy.exited).toBe(4)
      agents.delete(copy)
      await isIn('copied', 'enrolled', true)
    },
    limitMs,
  )

  test(
    'a journal that was rolled back puts the host in quarantine until it is released',
    async () => {
      const state = join(folder, 'restored')
      await end(await enrolled('restored'))
      cpSync(state, `${state}.backup`, { recursive: true })
      const later = start(state, {})
      await isBack('restored', later)
      await isDone(await begin(script('true', 20_000, 'restored')))
      await end(later)
      const again = start(state, {}) // its counter, with the call, is what re-mote has seen
      await isBack('restored', again)
      await end(again)
      rmSync(state, { recursive: true })
      cpSync(`${state}.backup`, state, { recursive: true })
      const old = start(state, {})
      await isIn('restored', 'quarantined', false)
      expect((await reops('hosts', 'show', 'restored')).out).toContain('the journal counts less than it did')
      expect((await reops('hosts', 'release', 'restored', '--yes')).code).toBe(0)
      await isBack('restored', old)
    },
    limitMs,
  )
})
