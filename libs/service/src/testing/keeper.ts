import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startPostgres } from '../embedded/start.ts'
import { replaceFile } from '../ensure-file.ts'
import { explain } from '../explain.ts'
import { makeLog } from '../log.ts'

/**
 * Owns the PostgreSQL that all test files of one jest run share: started by the first that asks, ended when the jest process has gone. It
 * belongs to no worker, because workers come and go. Arguments: folder, pid of the jest process.
 */
const [folder = '', jest = '0'] = process.argv.slice(2)
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // no such process is the answer we ask for
  }
}

const keep = async (): Promise<void> => {
  const postgres = await startPostgres({
    folder: join(folder, 'postgres'),
    log: makeLog({ service: 'test-postgres', level: 'warn' }),
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
  })
  await replaceFile(join(folder, 'address.json'), JSON.stringify({ url: postgres.url }))
  const timer = setInterval(() => {
    if (!alive(Number(jest))) void end()
  }, 200)
  const end = async (): Promise<void> => {
    clearInterval(timer)
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
  void postgres.exited.then(({ wanted }) => (wanted ? undefined : end()))
}

await keep().catch(async (error: unknown) => {
  await replaceFile(join(folder, 'address.json'), JSON.stringify({ error: explain(error) }))
  process.exitCode = 1
})
