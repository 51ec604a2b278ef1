import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Agent, Deployment, Host, Run } from '@re-ops/protocols'
import { freePort, startMote, startSshd, until, whyNoSshd, type TestMote, type TestSshd } from '@re-ops/re-mote/testing'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { agentProgram } from '../bundle/agent-program.ts'
import { program } from './testing.ts'

const missing = whyNoSshd() ?? (process.getuid?.() === 0 ? null : 'not root')
const describeHere = missing === null ? describe : describe.skip
const minutes = 60_000

/** Pids of processes whose program is below the folder. */
const processesBelow = (folder: string): string[] =>
  readdirSync('/proc').filter(name => {
    if (!/^\d+$/.test(name)) return false
    return spawnSync('readlink', [`/proc/${name}/exe`], { encoding: 'utf8' }).stdout.startsWith(`${folder}/`)
  })

describeHere(`agents put onto SSH hosts${missing === null ? '' : ` (${missing})`}`, () => {
  let postgres: TestPostgres
  let mote: TestMote
  let sshd: TestSshd
  let folder: string
  let agent: string
  /** The folder of the agent that the service deploys: a copy that tests change. */
  let shipped: string
  const prefixOf = (name: string) => join(folder, name)
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'reops-a-'))
    ;[postgres, sshd, agent] = await Promise.all([testPostgres(), startSshd(), agentProgram()])
    shipped = join(folder, 'shipped')
    cpSync(dirname(agent), shipped, { recursive: true })
    mote = await startMote({ databaseUrl: postgres.url, environment: { REMOTE_AGENT: shipped } })
    await mote.ask('PUT', '/v1/secrets/ssh%2Fkey', { body: { value: sshd.key } })
  }, 3 * minutes)
  afterAll(async () => {
    await Promise.all([mote?.stop(), sshd?.stop()])
    await postgres?.drop()
    for (const name of readdirSync(folder)) {
      const pid = existsSync(join(folder, name, 'pid')) ? readFileSync(join(folder, name, 'pid'), 'utf8').trim() : ''
      if (pid !== '') spawnSync('kill', ['-9', pid])
    }
    for (const pid of processesBelow(folder)) spawnSync('kill', ['-9', pid])
    rmSync(folder, { recursive: true, force: true })
  })

  const addHost = async (name: string, labels = {}) => {
    const ssh = { address: '127.0.0.1', port: sshd.port, user: sshd.user, identity: ['secret:ssh/key'] }
    const added = await mote.ask('POST', '/v1/hosts', { body: { name, labels, ssh, hostKeys: sshd.hostKeys } })
    expect(added.status).toBe(201)
    return (added.body as Host).id
  }
  const ended = async (verb: 'deploy' | 'remove', body: object): Promise<Deployment> => {
    const begun = await mote.ask('POST', `/v1/agents/${verb}`, { body })
    expect(begun).toMatchObject({ status: 202 })
    const { id } = begun.body as Deployment
    return until(
      `the ${verb}`,
      async () => {
        const { body: now } = await mote.ask('GET', `/v1/deployments/${id}`)
        return (now as Deployment).state === 'done' ? (now as Deployment) : null
      },
      2 * minutes,
    )
  }
  const hostOf = async (id: string) => (await mote.ask('GET', `/v1/hosts/${id}`)).body as Host
  const run = async (on: string, argv: string[]) => {
    const pipeline = { kind: 'call', operation: 'shell', input: { argv } }
    return ((await mote.ask('POST', '/v1/runs?wait=30', { body: { on, pipeline } })).body as Run).targets?.[0]
  }

  test(
    'a host gets an agent, keeps its id, name and labels, and is itself again when it is removed',
    async () => {
      const id = await addHost('web-1', { role: 'web' })
      const prefix = prefixOf('web-1')
      const first = await ended('deploy', { on: 'web-1', prefix })
      expect(first.hosts[0]).toMatchObject({ host: { id, name: 'web-1' }, state: 'ok', changed: true, phase: 'done' })
      expect(first.hosts[0]?.phases.map(one => one.phase)).toEqual([
        'checking',
        'copying',
        'installing',
        'starting',
        'calling home',
      ])
      expect(await hostOf(id)).toMatchObject({
        name: 'web-1',
        labels: { role: 'web' },
        transport: 'zmq',
        online: true,
        version: `0.1.0+${first.build}`,
        ssh: { address: '127.0.0.1' },
      })
      expect(await run('web-1', ['id', '-u'])).toMatchObject({ state: 'ok', value: { stdout: '0\n' } })
      const agents = (await mote.ask('GET', '/v1/agents')).body as Agent[]
      expect(agents).toMatchObject([{ host: { id }, online: true, prefix, version: `0.1.0+${first.build}` }])

      const again = await ended('deploy', { on: 'web-1', prefix })
      expect(again.hosts[0]).toMatchObject({ state: 'ok', changed: false })
      expect(again.hosts[0]?.phases.map(one => one.phase)).toEqual(['checking'])

      // The token was used once, is not on the host any more, and was never told to anybody.
      const config = readFileSync(join(prefix, 'state/config.json'), 'utf8')
      expect(config).not.toContain('re1.')
      expect(mote.log()).not.toMatch(/re1\.[A-Za-z0-9_-]{20}/)

      const removed = await ended('remove', { on: 'web-1' })
      expect(removed.hosts[0]).toMatchObject({ state: 'ok', changed: true })
      expect(existsSync(prefix)).toBe(false)
      expect(processesBelow(prefix)).toEqual([])
      const host = await until('the host is reached over SSH', async () => {
        const now = await hostOf(id)
        return now.transport === 'ssh' ? now : null
      })
      expect(host).toMatchObject({ name: 'web-1', labels: { role: 'web' }, version: null, state: 'enrolled' })
      expect(await run('web-1', ['echo', 'again'])).toMatchObject({ state: 'ok', value: { stdout: 'again\n' } })
      expect((await mote.ask('GET', '/v1/agents')).body).toEqual([])

      const third = await ended('deploy', { on: 'web-1', prefix })
      expect(third.hosts[0]).toMatchObject({ state: 'ok', changed: true })
      expect(await hostOf(id)).toMatchObject({ transport: 'zmq', online: true })
      expect((await ended('remove', { on: 'web-1' })).hosts[0]).toMatchObject({ state: 'ok' })
    },
    5 * minutes,
  )

  /** What the service deploys from its next start on; the program is started without a state folder first, as any is. */
  const shipNext = async (change: (folder: string) => void) => {
    change(shipped)
    mote.signal('SIGTERM')
    await mote.exited
    await mote.again()
  }

  test(
    'a newer build takes the place of the one that is there; one that does not call home goes back',
    async () => {
      const id = await addHost('up-1')
      const prefix = prefixOf('up-1')
      const first = await ended('deploy', { on: 'up-1', prefix })
      expect(first.hosts[0]).toMatchObject({ state: 'ok' })
      const host = await hostOf(id)

      await shipNext(to => writeFileSync(join(to, 'note.txt'), 'a newer build'))
      const second = await ended('deploy', { on: 'up-1', onlyUpgrade: true })
      expect(second.build).not.toBe(first.build)
      expect(second.hosts[0]).toMatchObject({ state: 'ok', said: `agent ${first.build} is now ${second.build}` })
      expect(await hostOf(id)).toMatchObject({
        online: true,
        version: `0.1.0+${second.build}`,
        enrolledAt: host.enrolledAt,
      })
      expect(await run('up-1', ['echo', 'ok'])).toMatchObject({ state: 'ok' })

      // It starts, and never calls home.
      const deaf = `if (!process.env.REGENT_STATE) process.exit(2)\nconsole.error('deaf');setInterval(() => 0, 1000)\n`
      await shipNext(to => writeFileSync(join(to, 'main.cjs'), deaf))
      const before = await addHost('up-0')
      const third = await ended('deploy', { on: 'up-0 or up-1', canary: 1, homeMs: 2_000, prefix: prefixOf('up-0') })
      expect(third.hosts.map(one => [one.host.name, one.state])).toEqual([
        ['up-0', 'timeout'],
        ['up-1', 'skipped'],
      ])
      // A host that had none has none again.
      expect(third.hosts[0]?.failure?.message).toMatch(/has not called home within 2000 ms; it was removed again.*deaf/)
      expect(await hostOf(before)).toMatchObject({ transport: 'ssh', online: true })
      expect(existsSync(prefixOf('up-0'))).toBe(false)

      const fourth = await ended('deploy', { on: 'up-1', onlyUpgrade: true, homeMs: 20_000 })
      expect(fourth.hosts[0]).toMatchObject({
        state: 'timeout',
        failure: { message: expect.stringContaining(`build ${second.build} is back`) },
      })
      expect(await hostOf(id)).toMatchObject({ online: true, version: `0.1.0+${second.build}` })
      expect(await run('up-1', ['echo', 'still'])).toMatchObject({ state: 'ok', value: { stdout: 'still\n' } })
      await shipNext(to => cpSync(dirname(agent), to, { recursive: true }))
      expect((await ended('remove', { on: 'up-*' })).hosts).toMatchObject([
        { state: 'ok', changed: false },
        { state: 'ok', changed: true },
      ])
      expect(processesBelow(folder)).toEqual([])
    },
    5 * minutes,
  )

  test(
    'by the command: deploy, list, revoke; a host that cannot be reached keeps the others from nothing',
    async () => {
      const id = await addHost('cli-1')
      const gone = { address: '127.0.0.1', port: await freePort(), user: 'root', identity: ['secret:ssh/key'] }
      await mote.ask('POST', '/v1/hosts', { body: { name: 'cli-2', ssh: gone } })
      const environment = { REOPS_MOTE_URL: mote.url, REOPS_TOKEN: await mote.token('admin') }
      const reops = (...args: string[]) => program('apps/reops/bin/reops.mjs', args, environment)

      const deployed = await reops('agents', 'deploy', '--on', 'cli-*', '--prefix', prefixOf('cli-1'))
      expect(deployed.code).toBe(1)
      expect(deployed.out).toMatch(/^cli-1 {2}ok .*agent [0-9a-f]{12} in /m)
      expect(deployed.out).toMatch(/^cli-2 {2}unreachable .*ECONNREFUSED/m)
      expect(deployed.out).toMatch(/2 hosts · ok 1 \(changed 1\) · failed 1/)
      const listed = await reops('agents', 'list', '--on', 'cli-*')
      expect(listed.out).toMatch(/^cli-1 +online +0\.1\.0\+[0-9a-f]{12}/m)
      expect((await reops('audit', '--host', 'cli-1')).out).toContain('agent.deployed')

      expect(await reops('agents', 'revoke', 'cli-1', '--yes')).toMatchObject({
        code: 0,
        out: 'cli-1  agent revoked\n',
      })
      expect(await hostOf(id)).toMatchObject({ transport: 'ssh', state: 'enrolled' })
      await until('the agent that is not accepted ends', () => processesBelow(prefixOf('cli-1')).length === 0, minutes)
      const removed = await reops('agents', 'remove', '--on', 'cli-1', '--yes')
      expect(removed).toMatchObject({ code: 0, out: expect.stringContaining('ok 1 (changed 1)') })
      expect(existsSync(prefixOf('cli-1'))).toBe(false)
      expect((await reops('agents', 'deploy')).code).toBe(2)
    },
    3 * minutes,
  )
})
