import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { AgentScheduleInfo, Enrolment, Host, KeptSample, Keyset, KeysInfo, Run } from '@re-ops/protocols'
import { startMote, until, type TestMote } from '@re-ops/re-mote/testing'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { agentProgram } from '../bundle/agent-program.ts'
import { program as runProgram } from './testing.ts'

const minute = 60_000

/** Real agents, as they are shipped, on a real re-mote. */
describe('agents on a service', () => {
  let postgres: TestPostgres
  let mote: TestMote
  let program: string
  let folder: string
  const running = new Map<string, ChildProcess>()
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reops-agents-'))
    ;[postgres, program] = await Promise.all([testPostgres(), agentProgram()])
    mote = await startMote({ databaseUrl: postgres.url })
  }, 2 * minute)
  afterAll(async () => {
    await Promise.all([...running.keys()].map(stop))
    await mote?.stop()
    await postgres?.drop()
    rmSync(folder, { recursive: true, force: true })
  }, minute)

  const start = async (name: string, more: Record<string, string> = {}): Promise<void> => {
    const { body } = await mote.ask('POST', '/v1/enrolments', { body: { name } })
    const child = spawn(process.execPath, [program, '--state', join(folder, name)], {
      env: {
        PATH: process.env['PATH'] ?? '',
        REGENT_URL: mote.url,
        REGENT_TOKEN: (body as Enrolment).token ?? '',
        REGENT_INSTANCE: name,
        ...more,
      },
      stdio: 'ignore',
    })
    running.set(name, child)
    await online(name)
  }
  const stop = async (name: string): Promise<void> => {
    const child = running.get(name)
    running.delete(name)
    if (!child || child.exitCode !== null) return
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
  }
  const hostNamed = async (name: string): Promise<Host | undefined> =>
    ((await mote.ask('GET', '/v1/hosts')).body as Host[]).find(host => host.name === name)
  const online = (name: string) => until(`${name} is online`, async () => (await hostNamed(name))?.online, minute)
  /** Ended, and seen to be away. */
  const goOffline = async (name: string) => {
    await stop(name)
    await until(`${name} is offline`, async () => (await hostNamed(name))?.online === false, minute)
  }
  const reops = async (...args: string[]) =>
    runProgram('apps/reops/bin/reops.mjs', args, { REOPS_MOTE_URL: mote.url, REOPS_TOKEN: await mote.token('admin') })
  const serialAt = (name: string): number =>
    (JSON.parse(readFileSync(join(folder, name, 'identity.json'), 'utf8')) as { keyset: Keyset }).keyset.serial
  const begin = async (on: string, argv: string[]) => {
    const pipeline = { kind: 'call', operation: 'shell', input: { argv } }
    return (await mote.ask('POST', '/v1/runs', { body: { on, pipeline } })).body as Run
  }
  const endOf = (run: Run) =>
    until(
      'the run ends',
      async () => {
        const { body } = await mote.ask('GET', `/v1/runs/${run.id}`)
        return (body as Run).state === 'done' ? (body as Run).targets : null
      },
      minute,
    )

  test(
    'a new server key: agents with a session lose no run; one that slept through it returns; then the old one is gone',
    async () => {
      await Promise.all([start('awake'), start('asleep')])
      expect((await reops('keys')).out).toMatch(/^server +in use +with the installation +\S{40}$/m)
      expect((await reops('keys', 'retire', 'last')).code).toBe(2)
      const asKeys = ({ body }: { body: unknown }) => body as KeysInfo
      const before = asKeys(await mote.ask('GET', '/v1/keys'))
      const old = before.keys.find(key => key.kind === 'server')?.publicKey
      await stop('asleep')
      await until('asleep is offline', async () => (await hostNamed('asleep'))?.online === false, minute)
      const marker = join(folder, 'go')
      const run = await begin('awake', ['sh', '-c', `while [ ! -e ${marker} ]; do sleep 0.1; done; echo done`])

      const published = asKeys(await mote.ask('POST', '/v1/keys/rotate', { body: { kind: 'server', step: 'publish' } }))
      expect(published.serial).toBe(before.serial + 1)
      expect(published.keys.filter(key => key.kind === 'server').map(key => key.state)).toEqual(['in use', 'next'])
      await until('the session takes it', () => serialAt('awake') === published.serial, minute)

      const switched = asKeys(await mote.ask('POST', '/v1/keys/rotate', { body: { kind: 'server', step: 'switch' } }))
      expect(switched.keys.filter(key => key.kind === 'server')).toMatchObject([
        { state: 'in use' },
        { state: 'before', publicKey: old },
      ])
      const refused = await mote.ask('POST', '/v1/keys/retire', { body: { publicKey: switched.keys[2]?.publicKey } })
      expect(refused).toMatchObject({ status: 409 })
      const retired = asKeys(await mote.ask('POST', '/v1/keys/retire', { body: { publicKey: old } }))
      expect(retired.keys.filter(key => key.kind === 'server')).toHaveLength(1)

      await until('awake has a session by the new key', () => serialAt('awake') === retired.serial, minute)
      expect((await begin('awake', ['touch', marker])).id).toBeDefined()
      expect(await endOf(run)).toMatchObject([{ state: 'ok', value: { stdout: 'done\n' } }])

      await start('asleep')
      await until('asleep keeps the newest keyset', () => serialAt('asleep') === retired.serial, minute)
      expect(await endOf(await begin('asleep', ['echo', 'back']))).toMatchObject([{ state: 'ok' }])
      expect(asKeys(await mote.ask('POST', '/v1/keys/rotate', { body: { kind: 'module' } })).keys.at(-2)).toMatchObject(
        {
          kind: 'module',
          state: 'next',
        },
      )
    },
    3 * minute,
  )

  test(
    'agents sample by themselves: through their own death and that of the service, in order, none twice, none lost',
    async () => {
      await start('sampler')
      await start('strict', {})
      await goOffline('strict')
      writeFileSync(join(folder, 'strict/policy.json'), JSON.stringify({ operations: { deny: ['load'] } }))
      await start('strict')
      const body = { name: 'load-1', operation: 'load', everyMs: 1_000, on: 'sampler or strict' }
      expect(await mote.ask('POST', '/v1/agent-schedules', { body: { ...body, operation: 'shell' } })).toMatchObject({
        status: 400,
        body: { detail: expect.stringContaining('/body/operation shell does more than read') },
      })
      expect((await mote.ask('POST', '/v1/agent-schedules', { body })).status).toBe(201)
      const samplesOf = async (name: string) => {
        const host = (await hostNamed(name)) as Host
        const { body: found } = await mote.ask('GET', `/v1/agent-schedules/load-1/samples?limit=1000&host=${host.id}`)
        return (found as KeptSample[]).toReversed()
      }
      const several = (name: string, n: number) =>
        until(`${n} samples of ${name}`, async () => ((await samplesOf(name)).length >= n ? true : null), minute)
      await several('sampler', 2)
      await until(
        'the policy refuses',
        async () => (await samplesOf('strict'))[0]?.failure?.includes('operations.deny'),
        minute,
      )

      // Nobody listens: the agent goes on, and delivers when somebody does.
      const before = (await samplesOf('sampler')).length
      mote.signal('SIGKILL')
      await mote.exited
      const lines = () =>
        readdirSync(join(folder, 'sampler/samples'))
          .map(name => readFileSync(join(folder, 'sampler/samples', name), 'utf8'))
          .join('')
          .split('"seq":').length
      const had = lines()
      await until('it samples offline', () => lines() >= had + 3, minute)
      await stop('sampler')
      await mote.again()
      await start('sampler')
      await several('sampler', before + 4)
      const all = await samplesOf('sampler')
      expect(all.map(one => one.n)).toEqual(all.map((_, at) => at + 1))
      expect(all.map(one => one.at)).toEqual(all.map(one => one.at).toSorted())
      expect(all[0]?.value).toMatchObject({ one: expect.any(Number) })
      const [info] = (await mote.ask('GET', '/v1/agent-schedules')).body as AgentScheduleInfo[]
      expect(info?.hosts.find(one => one.host.name === 'sampler')).toMatchObject({ dropped: 0 })

      expect((await reops('schedules')).out).toMatch(/^load-1 +1\.0 s +load +sampler or strict +2 /m)
      expect((await reops('schedules', 'show', 'load-1', '--host', 'strict', '--limit', '1')).out).toMatch(
        /strict .*operations\.deny/,
      )
      expect(await reops('schedules', 'create', 'x', '--agent', 'load', '--every', '1ms')).toMatchObject({
        code: 2,
        out: '',
      })
      expect(await reops('schedules', 'remove', 'load-1')).toMatchObject({ code: 0, out: 'load-1  removed\n' })
      await until('the agent has no schedule', () => !existsSync(join(folder, 'sampler/schedules.json')), minute)
    },
    3 * minute,
  )

  test(
    'a command that takes more memory than its host allows is killed, and others are not',
    async () => {
      await start('small')
      await goOffline('small')
      writeFileSync(join(folder, 'small/policy.json'), JSON.stringify({ commandMemoryBytesMax: 64 * 2 ** 20 }))
      await start('small')
      const greedy = 'head -c 400000000 /dev/zero | tail; sleep 60'
      expect(await endOf(await begin('small', ['sh', '-c', greedy]))).toMatchObject([
        { state: 'exit', failure: { signal: 'SIGKILL', message: expect.stringContaining('commandMemoryBytesMax') } },
      ])
      expect(await endOf(await begin('small', ['echo', 'modest']))).toMatchObject([{ state: 'ok' }])
    },
    2 * minute,
  )
})
