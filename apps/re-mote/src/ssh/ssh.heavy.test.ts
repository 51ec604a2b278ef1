import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals'
import type { Run, SshSettings } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import { addSshUser, startMote, until, whyNoSshUser, type TestMote, type TestSshUser } from '../testing/index.ts'
// Where sshd is only installed for the heavy suites, those that need nothing but sshd run here.
import './ssh.test.ts'
import './backends.test.ts'

const missing = whyNoSshUser()
const describeWithUsers = missing === null ? describe : describe.skip

/** A user of its own, with a password and rights by sudo, gone at the end. */
describeWithUsers(`become, and login by password${missing === null ? '' : ` (${missing})`}`, () => {
  const password = `pass word '"$ ${process.pid}`
  let postgres: TestPostgres
  let mote: TestMote
  let person: TestSshUser
  beforeAll(async () => {
    ;[postgres, person] = await Promise.all([testPostgres(), addSshUser(`reops-t${process.pid}`, password)])
    mote = await startMote({ databaseUrl: postgres.url })
    for (const [name, value] of Object.entries({ key: person.sshd.key, password, wrong: 'not it' }))
      await mote.ask('PUT', `/v1/secrets/ssh%2F${name}`, { body: { value } })
  })
  afterAll(async () => {
    await Promise.all([mote?.stop(), person?.remove()])
    await postgres?.drop()
  })
  beforeEach(() => person.may('ALL'))

  let count = 0
  const run = async (ssh: Partial<SshSettings>, input: object, more: object = {}) => {
    count += 1
    const name = `become-${count}`
    const { name: user, sshd } = person
    const settings = { address: '127.0.0.1', port: sshd.port, user, identity: ['secret:ssh/key'], ...ssh }
    const added = await mote.ask('POST', '/v1/hosts', { body: { name, ssh: settings, hostKeys: sshd.hostKeys } })
    expect(added.status).toBe(201)
    const pipeline = { kind: 'call', operation: 'shell', input: { become: { user: 'root' }, ...input } }
    return ((await mote.ask('POST', '/v1/runs?wait=30', { body: { on: name, pipeline, ...more } })).body as Run)
      .targets?.[0]
  }
  const withPassword = { become: 'secret:ssh/password' }

  test('sudo with its password: as root, with variables, folder and input of its own', async () => {
    const script = 'id -un; echo "$A"; pwd; cat'
    const input = { argv: ['sh', '-c', script], env: { A: "a 'b'" }, cwd: '/tmp', stdin: 'abc' }
    expect(await run(withPassword, input)).toMatchObject({ state: 'ok', value: { stdout: "root\na 'b'\n/tmp\nabc" } })
    expect(await run(withPassword, { script: 'id -un' })).toMatchObject({ value: { stdout: 'root\n' } })
  })

  test('sudo that does not ask: the password is not given to the command', async () => {
    person.may('NOPASSWD: ALL')
    expect(await run(withPassword, { argv: ['cat'], stdin: 'abc' })).toMatchObject({
      state: 'ok',
      value: { stdout: 'abc' },
    })
    expect(await run({}, { argv: ['id', '-un'] })).toMatchObject({ state: 'ok', value: { stdout: 'root\n' } })
  })

  test('a wrong password, and none where one is asked for: the command does not start', async () => {
    expect(await run({ become: 'secret:ssh/wrong' }, { argv: ['id'] })).toMatchObject({
      state: 'exit',
      failure: { code: 1 },
    })
    expect(await run({}, { argv: ['id'] })).toMatchObject({
      state: 'exit',
      failure: { message: expect.stringContaining('a password is required') },
    })
  })

  test('at its limit a command of root is killed as well', async () => {
    const seconds = `8${process.pid}`
    expect(await run(withPassword, { argv: ['sleep', seconds] }, { timeoutMs: 1_500 })).toMatchObject({
      state: 'timeout',
    })
    await until('it is gone', () => spawnSync('pgrep', ['-fx', `sleep ${seconds}`]).status === 1)
  })

  test('login by password is the last resort', async () => {
    const plain = { argv: ['id', '-un'], become: { user: person.name } }
    expect(await run({ identity: [], password: 'secret:ssh/password' }, plain)).toMatchObject({
      state: 'ok',
      value: { stdout: `${person.name}\n` },
    })
    expect(await run({ identity: [], password: 'secret:ssh/wrong' }, plain)).toMatchObject({
      state: 'unreachable',
      failure: { message: expect.stringContaining('does not let us in (tried keyboard-interactive, password)') },
    })
    expect(mote.log()).not.toContain(password)
  })
})
