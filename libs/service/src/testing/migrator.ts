import { makeLog } from '../log.ts'
import { migrate } from '../postgres/migrate.ts'
import { makePool } from '../postgres/pool.ts'

/** One of several processes that migrate the same database at once. Argument: the URL. Prints what it applied, as JSON. */
const log = makeLog({ service: 'migrator', level: 'warn' })
const pool = makePool({ url: process.argv[2] ?? '', log })
const applied = await migrate({
  pool,
  schema: 'shared',
  log,
  migrations: [
    { name: 'one', sql: 'create table one (n int); select pg_sleep(0.2)' },
    { name: 'two', sql: 'create table two (n int); insert into two values (1)' },
  ],
})
await pool.end()
process.stdout.write(JSON.stringify(applied))
