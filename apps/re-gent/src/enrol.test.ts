import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startCluster, type Cluster } from './testing/cluster.ts'
import { startAgent } from './testing/process.ts'

let c: Cluster
beforeEach(async () => {
  c = await startCluster()
})
afterEach(() => c.close())

test('enrols, says hello, runs, and stops in good order', async () => {
  const agent = c.start({ REGENT_LABELS: 'role=web,env=test' })
  await c.online()
  expect(c.enrolment.requests[0]).toMatchObject({
    name: 'web-1',
    labels: { role: 'web', env: 'test' },
    instance: 'instance-1',
  })
  expect(await c.result(await c.shell({ argv: ['echo', 'hi'] }))).toEqual({
    ok: true,
    value: { stdout: 'hi\n', stderr: '', code: 0, truncated: false },
  })
  const address = JSON.parse(readFileSync(join(c.folder, 'agent.json'), 'utf8')) as Record<string, unknown>
  expect(address).toMatchObject({ pid: agent.pid, name: 'web-1', host: [...c.enrolment.hosts.values()][0] })
  expect(statSync(c.folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(c.folder, 'keys.json')).mode & 0o777).toBe(0o600)
  expect(await agent.kill('SIGTERM')).toBe(0)
  expect(c.broker.received.at(-1)?.kind).toBe('goodbye')
  expect(agent.stderr()).not.toContain(c.enrolment.token.split('.')[1])
})

test('retries with the same keys through 503, 429 and a lost answer, and is one host', async () => {
  c.enrolment.trouble.push(503, 429, 'drop')
  c.start()
  await c.online()
  expect(c.enrolment.hosts.size).toBe(1)
  expect(new Set(c.enrolment.requests.map(request => request.signKey)).size).toBe(1)
  expect(c.enrolment.requests.length).toBe(2)
})

test('a definite refusal ends it with code 4 and the reason; nothing of an identity is kept', async () => {
  c.enrolment.trouble.push(403)
  const agent = c.start()
  expect(await agent.exited).toBe(4)
  expect(agent.stderr()).toContain('403 trouble 403')
  expect(existsSync(join(c.folder, 'identity.json'))).toBe(false)
})

test('a keyset that the root key of the token did not sign is not accepted', async () => {
  c.broker.keyset = { ...c.broker.keyset, serial: 7 }
  const agent = c.start()
  expect(await agent.exited).toBe(4)
  expect(agent.stderr()).toContain('not signed by the root key')
  expect(c.enrolment.requests).toEqual([])
})

test('two agents never run on one state folder', async () => {
  const first = c.start()
  await c.online()
  const second = c.start()
  expect(await second.exited).toBe(3)
  expect(second.stderr()).toContain(`already running as pid ${first.pid}`)
  await first.kill('SIGKILL')
  c.start()
  await c.online(2)
})

test('on another instance it enrols anew with new keys, or stays out without a token', async () => {
  const first = c.start()
  await c.online()
  await first.kill('SIGTERM')
  const out = startAgent(c.folder, { REGENT_INSTANCE: 'instance-2', REGENT_URL: c.enrolment.url })
  expect(await out.exited).toBe(4)
  expect(out.stderr()).toContain('belongs to the instance instance-1')
  const keys = readFileSync(join(c.folder, 'keys.json'), 'utf8')
  const second = c.start({ REGENT_INSTANCE: 'instance-2' })
  expect(await second.exited).toBe(4) // the token is spent by the other keys
  expect(readFileSync(join(c.folder, 'keys.json'), 'utf8')).not.toBe(keys)
  expect(existsSync(join(c.folder, 'journal'))).toBe(false)
})

test('a wrong configuration ends it with code 2 and one line', async () => {
  const agent = c.start({ REGENT_SLOTS: 'many' })
  expect(await agent.exited).toBe(2)
  expect(agent.stderr().trim()).toMatch(/^re-gent: REGENT_SLOTS .*"many".*1 to 256$/)
})

test('an unwritable state folder ends it with code 2 and one line', async () => {
  const file = join(c.folder, 'file')
  writeFileSync(file, '')
  const agent = startAgent(file, {})
  expect(await agent.exited).toBe(2)
  expect(agent.stderr().trim().split('\n')).toHaveLength(1)
})

test('a config file with a token that others may read is refused', async () => {
  writeFileSync(join(c.folder, 'config.json'), JSON.stringify({ url: c.enrolment.url, token: c.enrolment.token }), {
    mode: 0o644,
  })
  const open = startAgent(c.folder, {})
  expect(await open.exited).toBe(2)
  expect(open.stderr()).toContain('chmod 600')
})
