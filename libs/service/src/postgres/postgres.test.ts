import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { makeLog } from '../log.ts'
import { testPostgres, type TestPostgres } from '../testing/index.ts'
import { migrate } from './migrate.ts'
import { makePool, type Pool } from './pool.ts'
import { transaction } from './transaction.ts'

const log = makeLog({ service: 'test', level: 'silent' })
let postgres: TestPostgres
let pool: Pool
beforeAll(async () => {
  postgres = await testPostgres()
  pool = makePool({ url: postgres.url, log })
})
afterAll(async () => {
  await pool.end()
  await postgres.drop()
})

describe('transaction', () => {
  test('what fails half way leaves nothing behind', async () => {
    await pool.query('create table t (n bigint)')
    await expect(
      transaction(pool, async tx => {
        await tx.query('insert into t values (1)')
        throw new Error('half way')
      }),
    ).rejects.toThrow('half way')
    expect((await pool.query('select count(*) as n from t')).rows).toEqual([{ n: 0 }])
    expect(pool.idleCount).toBe(pool.totalCount)
  })
})
