import { startPostgres } from '../embedded/start.ts'
import { makeLog } from '../log.ts'

/** A process that starts a PostgreSQL and is killed. Argument: the folder. Prints the pid and URL, then stays. */
const postgres = await startPostgres({
  folder: process.argv[2] ?? '',
  log: makeLog({ service: 'parent', level: 'warn' }),
})
process.stdout.write(`${JSON.stringify({ pid: postgres.pid, url: postgres.url })}\n`)
