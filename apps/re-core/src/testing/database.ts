import { testPostgres, type TestPostgres } from '@re-ops/service/testing'

export type TestDatabase = { fresh(): Promise<string>; server: TestPostgres['server']; stop(): Promise<void> }

/** One real PostgreSQL per test file, a fresh database per test. */
export const testDatabase = async (): Promise<TestDatabase> => {
  const postgres = await testPostgres()
  return { fresh: () => postgres.another(), server: postgres.server, stop: () => postgres.stop() }
}
