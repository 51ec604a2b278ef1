import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeLog, startPostgres, type EmbeddedPostgres } from '@re-ops/service'

/** A Postgres that a test may kill. */
export type OwnPostgres = {
  readonly url: string
  /** SIGKILL; resolves when it has gone. */
  readonly kill: () => Promise<void>
  /** On the same data and port. */
  readonly startAgain: () => Promise<void>
  readonly stop: () => Promise<void>
}

export const startOwnPostgres = async (): Promise<OwnPostgres> => {
  const log = makeLog({ service: 'test', level: 'silent' })
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'))
  const start = (port?: number): Promise<EmbeddedPostgres> =>
    startPostgres({ folder: join(folder, 'postgres'), log, ...(port === undefined ? {} : { port }) })
  let postgres = await start()
  return {
    url: postgres.url,
    kill: async () => {
      process.kill(postgres.pid, 'SIGKILL')
      await postgres.exited
    },
    startAgain: async () => {
      postgres = await start(postgres.port)
    },
    stop: async () => {
      await postgres.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
