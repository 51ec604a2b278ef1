import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId, newSigningKeys, type Keyset, type Run } from '@re-ops/protocols'
import { testPostgres, type TestPostgres } from '@re-ops/service/testing'
import pg from 'pg'
import { context, curveKeyPair } from 'zeromq'
import { startFakeAgent, startMote, until, type FakeAgent, type FakeIdentity, type TestMote } from './testing/index.ts'

const size = 2_000
let postgres: TestPostgres
let mote: TestMote
let sql: pg.Pool
const agents: FakeAgent[] = []
beforeAll(async () => {
  postgres = await testPostgres()
  sql = new pg.Pool({ connectionString: postgres.url, max: 2 })
  mote = await startMote({ databaseUrl: postgres.url })
})
afterAll(async () => {
  for (const agent of agents) agent.close()
  await mote.stop()
  await sql.end()
  await postgres.drop()
})

/** Stored directly: enrolling is limited per address, and is not what this is about. */
const storeHosts = async (): Promise<FakeIdentity[]> => {
  const hosts = Array.from({ length: size }, () => ({ host: newId(), curve: curveKeyPair(), sign: newSigningKeys() }))
  await sql.query(
    `insert into mote.host (id, name, curve_key, sign_key, instance)
     select id, 'fleet-' || n, curve_key, sign_key, '' from unnest($1::uuid[], $2::text[], $3::text[]) with ordinality as h(id, curve_key, sign_key, n)`,
    [hosts.map(h => h.host), hosts.map(h => h.curve.publicKey), hosts.map(h => h.sign.publicKey)],
  )
  return hosts
}

test('2,000 hosts connect at once and can be sent to at once', async () => {
  context.maxSockets = 10_000
  const { curveServerKeys } = (await mote.ask('GET', '/v1/keyset')).body as Keyset
  const started = new Set<string>()
  for (const identity of await storeHosts())
    agents.push(
      startFakeAgent({
        endpoint: mote.endpoint,
        serverKey: curveServerKeys[0] as string,
        identity,
        helloTimeoutMs: 15_000,
        heartbeatMs: 5_000,
        answer: call => {
          started.add(call.id)
          return { ok: true, value: identity.host }
        },
      }),
    )
  await Promise.all(agents.map(agent => agent.live()))
  const ask = () =>
    mote.ask('POST', '/v1/runs?wait=30', { body: { on: 'fleet-*', pipeline: { kind: 'call', operation: 'ping' } } })
  for (const nth of [1, 2]) {
    const { status, body } = await ask()
    expect([nth, status, (body as Run).summary]).toMatchObject([nth, 201, { expected: size, ok: size, failed: 0 }])
    const right = (body as Run).targets?.filter(target => target.value === target.host.id)
    expect(right).toHaveLength(size)
    expect(started.size).toBe(nth * size)
  }
  await until('all results are settled', () => agents.every(agent => agent.settled.size === 2))
})
