import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import type { Deployment, Run, SshSettings } from '@re-ops/protocols'
import { enrolWith, until, whyNoSshUser } from '@re-ops/re-mote/testing'
import { findIn } from './canary/forms.ts'
import { openSshStage, sshCanaries, type SshStage } from './canary/ssh-stage.ts'
import { inBatches } from './testing.ts'

const missing = whyNoSshUser()
const describeHere = missing === null ? describe : describe.skip
const minute = 60_000
const bad = sshCanaries['what a bad request held']

describeHere(`secrets of hosts over SSH${missing === null ? '' : ` (${missing})`}`, () => {
  let stage: SshStage
  let enrolment = ''
  beforeAll(async () => {
    stage = await openSshStage()
    for (const [name, value] of Object.entries(stage.secrets))
      expect((await stage.ask('PUT', `/v1/secrets/ssh%2F${name}`, { value })).status).toBe(200)
  }, 3 * minute)
  afterAll(() => stage?.stop(), minute)

  const over = (id: string): Promise<Run> =>
    until(
      'the run is over',
      async () => {
        const now = (await stage.ask('GET', `/v1/runs/${id}`)).body as Run
        return now.state === 'done' ? now : null
      },
      2 * minute,
    )
  const run = async (on: string, input: object, more: object = {}) => {
    const pipeline = { kind: 'call', operation: 'shell', input }
    const begun = (await stage.ask('POST', '/v1/runs?wait=60', { on, pipeline, ...more })).body as Run
    return begun.state === 'done' ? begun : over(begun.id)
  }
  const root = { become: { user: 'root' } }

  const ways: readonly (readonly [string, string, Partial<SshSettings>])[] = [
    ['in-by-password', 'ok', { identity: [], password: 'secret:ssh/password' }],
    ['in-by-key', 'ok', { identity: ['secret:ssh/key'] }],
    ['in-by-program', 'ok', { identity: ['secret:ssh/key'], backend: 'openssh' }],
    ['wrong-password', 'unreachable', { identity: [], password: 'secret:ssh/wrong' }],
    ['wrong-phrase', 'unreachable', { identity: ['secret:ssh/locked'], passphrase: 'secret:ssh/wrong-phrase' }],
    ['no-phrase', 'unreachable', { identity: ['secret:ssh/locked'] }],
    ['key-not-let-in', 'unreachable', { identity: ['secret:ssh/locked'], passphrase: 'secret:ssh/passphrase' }],
    ['no-key', 'unreachable', { identity: ['secret:ssh/no-key'] }],
    ['phrase-to-program', 'unreachable', { password: 'secret:ssh/password', backend: 'openssh' }],
    ['no-key-to-program', 'unreachable', { identity: ['secret:ssh/no-key'], backend: 'openssh' }],
    ['no-such-secret', 'unreachable', { identity: [], password: 'secret:ssh/nothing' }],
  ]
  test(
    'logins that work, and those that do not',
    async () => {
      for (const [name, , ssh] of ways) expect((await stage.addHost(name, ssh)).status).toBe(201)
      const byPassword = { identity: ['secret:ssh/key'], password: 'secret:ssh/password' }
      expect((await stage.addHost('refused', { ...byPassword, port: stage.nowhere })).status).toBe(201)
      // Another address of this host, whose key is said to be another one.
      const other = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f']
      expect((await stage.addHost('other-key', { ...byPassword, address: 'localhost' }, other)).status).toBe(201)
      const expected = { ...Object.fromEntries(ways), refused: 'unreachable', 'other-key': 'unreachable' }
      const { targets = [] } = await run('of=canary', { argv: ['id', '-un'] })
      expect(Object.fromEntries(targets.map(one => [one.host.name, one.state]))).toEqual(expected)
    },
    3 * minute,
  )

  test(
    'sudo: with the password, with a wrong one, without one, until its limit, and re-mote killed (-9) meanwhile',
    async () => {
      const { user, addHost, restart, ask } = stage
      user.may('ALL')
      await addHost('sudo', { identity: ['secret:ssh/key'], become: 'secret:ssh/password' })
      await addHost('sudo-wrong', { identity: ['secret:ssh/key'], become: 'secret:ssh/wrong' })
      // Whoever may see all processes sees no password in their arguments, nor in its own variables.
      const seen = await run('sudo', { ...root, script: 'ps -eo args; env; cat', stdin: 'its input' })
      expect(seen.targets).toMatchObject([{ state: 'ok', value: { stdout: expect.stringMatching(/its input$/) } }])
      expect((await run('sudo', { ...root, argv: ['sh', '-c', 'id >&2; exit 7'] })).targets).toMatchObject([
        { state: 'exit', failure: { code: 7 } },
      ])
      expect((await run('sudo', { ...root, argv: ['sleep', '60'] }, { timeoutMs: 700 })).targets).toMatchObject([
        { state: 'timeout' },
      ])
      expect((await run('sudo-wrong', { ...root, argv: ['cat'], stdin: 'more' })).targets).toMatchObject([
        { state: 'exit' },
      ])
      const pipeline = { kind: 'call', operation: 'shell', input: { ...root, argv: ['sleep', '60'] } }
      const { id } = (await ask('POST', '/v1/runs', { on: 'sudo', pipeline })).body as Run
      await restart()
      const ended = await over(id)
      expect(['lost', 'unreachable']).toContain(ended.targets?.[0]?.state)
      user.may('NOPASSWD: ALL')
      expect((await run('sudo', { ...root, argv: ['cat'], stdin: 'only this' })).targets).toMatchObject([
        { state: 'ok', value: { stdout: 'only this' } },
      ])
      user.may('ALL')
    },
    4 * minute,
  )
  const deploy = async (verb: 'deploy' | 'remove', body: object): Promise<Deployment> => {
    const { status, body: begun } = await stage.ask('POST', `/v1/agents/${verb}`, body)
    expect([status, begun]).toEqual([202, begun])
    return until(
      `the ${verb}`,
      async () => {
        const now = (await stage.ask('GET', `/v1/deployments/${(begun as Deployment).id}`)).body as Deployment
        return now.state === 'done' ? now : null
      },
      2 * minute,
    )
  }

  test(
    'an agent put there with the password of sudo; none where it is wrong',
    async () => {
      const { prefix, mote } = stage
      const on = 'sudo or sudo-wrong or wrong-password'
      const { hosts } = await deploy('deploy', { on, prefix })
      const states = Object.fromEntries(hosts.map(one => [one.host.name, one.state]))
      expect(states).toEqual({ sudo: 'ok', 'sudo-wrong': 'exit', 'wrong-password': 'unreachable' })
      expect((await run('sudo', { argv: ['id', '-un'] })).targets).toMatchObject([{ state: 'ok' }])
      // What stays on the host is its own keys, which it made itself, and no secret of ours.
      const files = readdirSync(join(prefix, 'state'), { withFileTypes: true }).filter(one => one.isFile())
      for (const { name } of files) stage.said.push(`${name}: ${readFileSync(join(prefix, 'state', name), 'latin1')}`)
      expect(files.map(one => one.name)).toContain('config.json')
      expect(stage.said.join('\n') + mote.log()).not.toMatch(/re1\.[A-Za-z0-9_-]{20}/)
      expect((await deploy('remove', { on: 'sudo' })).hosts).toMatchObject([{ state: 'ok' }])
      expect(existsSync(prefix)).toBe(false)
    },
    3 * minute,
  )

  test(
    'a token that lets a host in: used, used again by another, not used; and what is refused',
    async () => {
      const { ask, mote } = stage
      const of = async (body: object) =>
        ((await mote.ask('POST', '/v1/enrolments', { body })).body as { token: string }).token
      const token = await of({ name: 'joined' })
      enrolment = token.split('.')[1] ?? ''
      const said = async (given: string) => {
        const { status, body } = await enrolWith({ ask: (...of) => mote.ask(...of) }, given)
        stage.said.push(JSON.stringify(body))
        return status
      }
      expect([await said(token), await said(token)]).toEqual([200, 409])
      const ssh = (more: object) => ask('POST', '/v1/hosts', { name: 'bad', ssh: { address: 'a', ...more } })
      const replies = [
        await ssh({ password: bad }),
        await ssh({ passphrase: bad }),
        await ssh({ become: bad }),
        await ssh({ identity: [bad] }),
        await ssh({ secret: bad }),
        await ssh({ address: `ops:${bad}@box` }),
        await ssh({ user: `ops:${bad}` }),
        await ask('PUT', '/v1/secrets/ssh%2Fbad', { secret: bad }),
        await ask('PUT', '/v1/secrets/ssh%2Fbad', { value: { [bad]: bad } }),
        await ask('PUT', '/v1/secrets/ssh%2Fbad', `{"value": "${bad}`),
        await ask('POST', '/v1/enrol', { sealed: bad }),
        await ask('POST', '/v1/enrol', { token: bad }),
        await ask('POST', '/v1/enrolments', { tokenHash: bad }),
        await ask('POST', '/v1/agents/deploy', { on: '*', url: `http://ops:${bad}@box` }),
        await ask('GET', `/v1/hosts?token=${encodeURIComponent(bad)}`, undefined, 'eyJ.eyJ.none'),
        await ask('GET', '/v1/hosts', undefined, sshCanaries['a bearer token that is none']),
      ]
      expect(replies.filter(one => one.status < 400)).toEqual([])
    },
    3 * minute,
  )

  test(
    'none of them stands in a log, a row, a reply, an event, a metric or on the command line',
    async () => {
      const { ask, reops, metrics, rows, said, mote, keyLines } = stage
      for (const one of ['hosts', 'runs', 'agents', 'enrolments', 'audit', 'selectors']) await ask('GET', `/v1/${one}`)
      await metrics()
      const words = [
        'hosts --json',
        'runs --json',
        'audit --json',
        'enrolments list --all --json',
        `hosts add by-command --ssh ops@127.0.0.1:${stage.nowhere} --password secret:ssh/password --accept-new`,
        'run ping --on wrong-password --json',
        'ssh in-by-password --print',
      ]
      await inBatches(words, 3, one => reops(one.split(' ')))
      await Promise.all([
        reops(['hosts'], { REOPS_TOKEN: sshCanaries['a bearer token that is none'] }),
        reops(['hosts'], { REOPS_MOTE_URL: `http://ops:${encodeURIComponent(bad)}@127.0.0.1:${stage.nowhere}` }),
      ])
      const all = { logs: mote.log(), rows: await rows(), 'replies, events and the command line': said.join('\n') }
      const secrets = { ...sshCanaries, ...keyLines, 'an API token': stage.admin, 'an enrolment token': enrolment }
      for (const one of Object.values(secrets)) expect(one.length).toBeGreaterThan(15)
      for (const [where, text] of Object.entries(all)) {
        expect(text.length).toBeGreaterThan(500)
        expect([where, findIn(text, secrets)]).toEqual([where, []])
      }
    },
    3 * minute,
  )
})
