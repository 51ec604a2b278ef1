import { afterEach, beforeEach, expect, test } from '@jest/globals'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { newId } from '@re-ops/protocols'
import { makeKeyset } from './testing/broker.ts'
import { startCluster, type Cluster } from './testing/cluster.ts'
import { until } from './testing/process.ts'

let c: Cluster
beforeEach(async () => {
  c = await startCluster()
})
afterEach(() => c.close())

test('a challenge that names another server key is not answered', async () => {
  c.broker.onHello = { serverKey: makeKeyset(c.broker.root, {}).curveServerKeys[0] as string }
  const agent = c.start()
  await until('the refusal', () => agent.stderr().includes('names another server key'))
  expect(c.broker.sessions).toBe(0)
})

test('a welcome with a keyset of another root gives no session; a higher serial is kept, a lower one refused', async () => {
  const { installation, curveServerKeys, endpoints, sealKey } = c.broker.keyset
  const same = { installation, curveServerKeys, endpoints, sealKey }
  c.broker.onHello = { keyset: { ...c.broker.keyset, serial: 9 } }
  const agent = c.start()
  await until('the refusal', () => agent.stderr().includes('the keyset in the welcome is not accepted'))
  c.broker.onHello = { keyset: makeKeyset(c.broker.root, { ...same, serial: 5 }) }
  const held = () =>
    (JSON.parse(readFileSync(join(c.folder, 'identity.json'), 'utf8')) as { keyset: { serial: number } }).keyset.serial
  await until('serial 5', () => held() === 5)
  c.broker.onHello = { keyset: makeKeyset(c.broker.root, { ...same, serial: 3 }) }
  const before = c.broker.sessions
  await c.broker.send('session.end', { reason: 'test', retry: true })
  await c.online(before + 1)
  await until('the refusal of 3', () => agent.stderr().includes('lower serial'))
  expect(held()).toBe(5)
})

test('a call that overtakes the welcome is not lost', async () => {
  const id = newId()
  const body = { id, operation: 'ping', input: {}, timeoutMs: 5_000, outputBytesMax: 1_000, requestId: 'early' }
  c.broker.onHello = { early: ['call', body] }
  c.start()
  await c.online()
  await until('its result', () => c.broker.results.has(id))
  expect(c.broker.results.get(id)).toMatchObject([{ result: { ok: true } }])
})

test('an identity that is not accepted any more ends it with code 4', async () => {
  c.broker.onHello = { refuse: { reason: 'revoked', retry: false } }
  const agent = c.start()
  expect(await agent.exited).toBe(4)
  expect(agent.stderr()).toContain('revoked')
})

test('a broker that hangs is left and found again', async () => {
  c.broker.heartbeatMs = 100
  const agent = c.start()
  await c.online()
  c.broker.hung = true
  await until('the silence', () => agent.stderr().includes('the broker is silent'))
  c.broker.hung = false
  await c.online(2)
})
