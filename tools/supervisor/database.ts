import { appendFileSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { newSecret } from '@re-ops/protocols'
import {
  checkDatabase,
  explain,
  isReference,
  makeLog,
  provisionDatabase,
  resolveReference,
  startPostgres,
  type EmbeddedPostgres,
} from '@re-ops/service'
import { messageOf, SupervisorError } from './fault.ts'
import { boundLog } from './log-file.ts'
import { logOf } from './parts.ts'

export type Database = {
  readonly urls: { readonly core: string; readonly mote: string }
  /** For people: `embedded 18 · folder`, or that it is the operator's own. */
  readonly words: string
  /** Of the postmaster; null while it is down, or when it is not ours. */
  pid(): number | null
  stop(): Promise<void>
}

/** What each service's role owns: its schema; re-core's queue has one of its own. */
const schemas = { core: ['core', 'core_boss'], mote: ['mote'] } as const
type Role = keyof typeof schemas
const restartPauseMs = [0, 100, 250, 500, 1_000] as const
const livedWellMs = 5_000

/** Passwords of the services' roles, made once for a state folder. */
const passwordsOf = (state: string): Record<Role, string> => {
  const file = join(state, 'database-roles.json')
  try {
    const known = JSON.parse(readFileSync(file, 'utf8')) as Partial<Record<Role, string>>
    if (known.core && known.mote) return { core: known.core, mote: known.mote }
  } catch {
    // The first start, or a torn file: new passwords are set below and by every start.
  }
  const made = { core: newSecret(), mote: newSecret() }
  writeFileSync(`${file}.${process.pid}`, JSON.stringify(made), { mode: 0o600 })
  renameSync(`${file}.${process.pid}`, file)
  return made
}

/** An operator's own Postgres: used as it is, with the roles its URL has. */
export const givenDatabase = async (
  url: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Database> => {
  try {
    await checkDatabase(isReference(url) ? (await resolveReference(url, { environment })).trim() : url)
  } catch (error) {
    throw new SupervisorError(explain(error)) // once and here, not by each service on its own
  }
  return { urls: { core: url, mote: url }, words: 'DATABASE_URL', pid: () => null, stop: async () => undefined }
}

/** The one embedded Postgres: started again at once, on the same port, whenever it ends. */
export const keepPostgres = async (
  state: string,
  port: number,
  onRestart: (why: string) => unknown,
): Promise<Database> => {
  const folder = join(state, 'postgres')
  const file = logOf(state, 'postgres')
  const destination = { write: (text: string) => appendFileSync(file, text, { mode: 0o600 }) }
  const log = makeLog({ service: 'supervisor', level: 'debug', destination })
  let stopping = false
  let starting: Promise<void> = Promise.resolve()
  let current: EmbeddedPostgres | null = await startPostgres({ folder, log, port }).catch((error: unknown) => {
    throw new SupervisorError(`Postgres: ${messageOf(error)}; its log: ${file}`, [], { cause: error })
  })
  const watch = (server: EmbeddedPostgres, failures: number): void => {
    const started = performance.now()
    void server.exited.then(() => {
      if (current === server) current = null
      if (stopping) return
      onRestart('Postgres ended')
      starting = again(performance.now() - started >= livedWellMs ? 0 : failures + 1)
    })
  }
  const again = async (failures: number): Promise<void> => {
    const pauseMs = restartPauseMs[Math.min(failures, restartPauseMs.length - 1)] ?? 0
    await new Promise(resolve => setTimeout(resolve, pauseMs))
    if (stopping) return
    boundLog(file)
    try {
      const server = await startPostgres({ folder, log, port })
      current = server
      watch(server, failures)
    } catch (error) {
      log.warn({ err: error }, 'Postgres cannot be started')
      onRestart(`Postgres cannot be started (${messageOf(error)})`)
      await again(failures + 1)
    }
  }
  watch(current, 0)
  const passwords = passwordsOf(state)
  const provisioned = await provisionDatabase(
    current.url,
    (['core', 'mote'] as const).flatMap(role =>
      schemas[role].map(schema => ({ role, password: passwords[role], schema })),
    ),
  )
  const urlOf = (role: Role): string => provisioned.find(one => one.role === role)?.url ?? ''
  return {
    urls: { core: urlOf('core'), mote: urlOf('mote') },
    words: 'embedded',
    pid: () => current?.pid ?? null,
    stop: async () => {
      stopping = true
      await starting
      await current?.stop()
    },
  }
}
