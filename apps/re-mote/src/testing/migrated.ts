import { makeLog, migrate, type Pool } from '@re-ops/service'
import { testPool, testPostgres } from '@re-ops/service/testing'
import { migrations } from '../store/migrations.ts'

export type MigratedDatabase = { readonly url: string; readonly pool: Pool; close(): Promise<void> }

/** A database of its own with re-mote's tables, and nothing in them. */
export const migratedDatabase = async (): Promise<MigratedDatabase> => {
  const postgres = await testPostgres()
  const pool = testPool(postgres.url)
  await migrate({ pool, schema: 'mote', migrations, log: makeLog({ service: 'test', level: 'silent' }) })
  return {
    url: postgres.url,
    pool,
    close: async () => {
      await pool.end()
      await postgres.drop()
    },
  }
}
