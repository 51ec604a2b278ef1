import { testPostgres, type TestPostgres } from '@re-ops/service/testing'

export type TestDatabase = { fresh(): Promise<string>; stop(): Promise<void> }

/** Fresh databases on the real PostgreSQL that the whole test run shares; dropped at the end of the file. */
export const testDatabase = async (): Promise<TestDatabase> => {
  const made: TestPostgres[] = []
  return {
    fresh: async () => {
      const one = await testPostgres()
      made.push(one)
      return one.url
    },
    stop: async () => {
      for (const one of made) await one.drop()
    },
  }
}
