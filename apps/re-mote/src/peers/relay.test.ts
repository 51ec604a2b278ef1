import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import type { Log, Pool } from '@re-ops/service'
import type { QueryConfig } from 'pg'
import { migratedDatabase, type MigratedDatabase } from '../testing/migrated.ts'
import { until } from '../testing/index.ts'
import { makeRelay } from './relay.ts'
import type { PeerSays } from './words.ts'

let database: MigratedDatabase
beforeAll(async () => {
  database = await migratedDatabase()
})
afterAll(async () => {
  await database.close()
})
const log = { warn: () => undefined, error: () => undefined } as unknown as Log

/** Does every statement; of every other one the answer is lost. */
const forgetful = (pool: Pool): Pool => {
  let turn = 0
  const query = async (statement: QueryConfig) => {
    const answer = await pool.query(statement)
    turn += 1
    if (turn % 2 === 1) throw Object.assign(new Error('the connection is gone'), { code: 'ECONNRESET' })
    return answer
  }
  return { query } as unknown as Pool
}

test('what services say to each other comes once and in order, though answers of Postgres are lost on both sides', async () => {
  const [from, to] = [newId(), newId()]
  const heard: PeerSays[] = []
  const nothing = () => undefined
  const teller = makeRelay({ log, pool: forgetful(database.pool), replica: from, onSaid: nothing })
  const hearer = makeRelay({
    log,
    pool: forgetful(database.pool),
    replica: to,
    onSaid: (_, item) => void heard.push(item),
  })
  const said = Array.from({ length: 200 }, (_, at): PeerSays => ({ kind: 'changed', run: String(at) }))
  for (const item of said) {
    teller.say(to, item)
    if (Number(item.kind === 'changed' && item.run) % 5 === 0) await teller.drained()
    hearer.wake()
  }
  await teller.drained()
  await until('all is heard, and nothing is left', async () => {
    hearer.wake()
    const { rows } = await database.pool.query('select 1 from mote.relay where to_replica = $1', [to])
    return heard.length >= said.length && rows.length === 0
  })
  expect(heard).toEqual(said)
})
