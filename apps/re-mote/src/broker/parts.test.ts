import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { newId, wireLimits } from '@re-ops/protocols'
import { curveKeyPair } from 'zeromq'
import { makeAllowList } from './allow-list.ts'
import { makeBucket } from './bucket.ts'
import { brokerLimits } from './limits.ts'
import { makeRouter } from './router.ts'
import { openShakes, readShakes } from './shakes.ts'
import { z85 } from './z85.ts'

test('Z85 is that of the specification', () => {
  expect(z85(Buffer.from('864fd26fb559f75b', 'hex'))).toBe('HelloWorld')
})

test('the record of handshakes keeps the last ones, the newest first, in a file that does not grow', () => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-shakes-'))
  const file = join(folder, 'shakes')
  expect(readShakes(file)).toEqual([])
  const shakes = openShakes(file)
  const keys = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(40, 'k'))
  for (const key of keys) shakes.note(key)
  expect(readShakes(file)).toEqual(keys.slice(-16).toReversed())
  shakes.close()
  rmSync(folder, { recursive: true })
})

test('an allow-list that nobody has confirmed for too long is stale, however it was delivered', () => {
  let now = 1_000_000
  const list = makeAllowList(() => now)
  expect(list.isStale()).toBe(true)
  const entry = { key: 'k', agent: newId(), signKey: 's', state: 'enrolled' as const }
  list.update([entry], true, brokerLimits.allowListAgeMaxMs - 1000)
  expect(list.isStale()).toBe(false)
  now += 2000
  expect(list.isStale()).toBe(true)
  list.update([], false, 0)
  expect(list.isStale()).toBe(false)
  expect(list.byKey('k')).toBe(entry)
})

test('an allow-list tells who may hold a session no more', () => {
  const list = makeAllowList()
  const [a, b] = [newId(), newId()].map(agent => ({ key: agent, agent, signKey: 's', state: 'enrolled' as const }))
  if (!a || !b) throw new Error('two')
  expect(list.update([a, b], true, 0)).toEqual([])
  expect(list.update([{ ...a, state: 'quarantined' }], false, 0)).toEqual([a.agent])
  expect(list.update([a], true, 0)).toEqual([b.agent])
})

test('a bucket lets a burst through, and then so many a second', () => {
  let now = 0
  const bucket = makeBucket(10, 3, () => now)
  expect([bucket.take(), bucket.take(), bucket.take(), bucket.take()]).toEqual([true, true, true, false])
  now = 100
  expect([bucket.take(), bucket.take()]).toEqual([true, false])
})

test('dead connections are found by the kernel: the heartbeats of libzmq would walk the timers of all connections', () => {
  const router = makeRouter(curveKeyPair())
  try {
    const { heartbeatInterval, tcpKeepalive, tcpKeepaliveIdle, tcpMaxRetransmitTimeout } = router
    expect({ heartbeatInterval, tcpKeepalive }).toEqual({ heartbeatInterval: 0, tcpKeepalive: 1 })
    const silentMs = wireLimits.heartbeatMs * wireLimits.heartbeatsMissedMax
    expect(tcpMaxRetransmitTimeout).toBe(silentMs)
    expect(tcpKeepaliveIdle * 1_000).toBeLessThan(silentMs)
  } finally {
    router.close()
  }
})
