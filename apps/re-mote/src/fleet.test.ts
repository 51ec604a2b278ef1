import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId, newSigningKeys, type Keyset, type Run } from '@re-ops/protocols'
import { testPool, testPostgres, type TestPostgres } from '@re-ops/service/testing'
import type pg from 'pg'
import { curveKeyPair } from 'zeromq'
import { startFleet, startMote, until, type FakeIdentity, type Fleet, type TestMote } from './testing/index.ts'

const size = 2_000
let postgres: TestPostgres
let mote: TestMote
let sql: pg.Pool
let fleet: Fleet | undefined
beforeAll(async () => {
  postgres = await testPostgres()
  sql = testPool(postgres.url)
  mote = await startMote({ databaseUrl: postgres.url })
})
afterAll(async () => {
  fleet?.stop()
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
  const keyset = (await mote.ask('GET', '/v1/keyset')).body as Keyset
  const serverKey = keyset.curveServerKeys[0] as string
  fleet = await startFleet({ endpoint: mote.endpoint, serverKey, identities: await storeHosts() })
  const twice = ['first', 'second']
  for (const name of twice) {
    const { status, body } = await mote.ask('POST', '/v1/runs?wait=30', {
      body: { on: 'fleet-*', pipeline: { kind: 'call', operation: 'ping' } },
    })
    expect([name, status, (body as Run).summary]).toMatchObject([name, 201, { expected: size, ok: size, failed: 0 }])
    expect((body as Run).targets?.filter(target => target.value === target.host.id)).toHaveLength(size)
  }
  const counts = await until('all results are settled', async () => {
    const now = await fleet?.counts()
    return now?.settled === 2 * size ? now : null
  })
  expect(counts).toEqual({ started: 2 * size, settled: 2 * size })
}, 60_000)
