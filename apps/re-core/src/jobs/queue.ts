import { setTimeout as pause } from 'node:timers/promises'
import { withRetry } from '@re-ops/service'
import { Client } from 'pg'
import { PgBoss } from 'pg-boss'
import type { Sql } from '../store/sql.ts'
import type { Message } from './attempt.ts'

const name = 'vm.reconcile'
const schema = 'core_boss'
/** Each message's own deadline, well below the queue's: one that hangs is given up while the others go on. */
const deadlineMs = 20_000
const expireSeconds = 60
const batchSize = 50
const putBackMs = 30_000
const holdSeconds = 8

export type QueueLog = { warn(fields: object, text: string): void; error(fields: object, text: string): void }
export type Handle = (id: string, message: Message, signal: AbortSignal) => Promise<void>

/** Wake-ups for systems. They are hints: losing all of them costs one tick of the ticker. */
export type Queue = {
  /** Now, also when a message for later is queued already. Part of the caller's transaction. */
  wake(sql: Sql, id: string): Promise<void>
  /** After a while; a message that is queued already stays as it is. Part of the caller's transaction. */
  later(sql: Sql, id: string, afterMs: number): Promise<void>
  /**
   * For whoever goes on with a new system at once, without waiting for the queue: the message comes by itself if they
   * die or take too long. Part of the caller's transaction. Null: there is one already, and it will come.
   */
  hold(sql: Sql, id: string): Promise<Message | null>
  settle(sql: Sql, message: Message): Promise<void>
  /**
   * At a start: messages that a worker had in hand are put back, since that worker may be dead and its claims would
   * block their systems until the heartbeat is missed. A live worker's are put back as well; the fence sorts that out.
   */
  takeOver(): Promise<void>
  work(handle: Handle): Promise<void>
  /** Gives up what is under way and takes no more. */
  halt(): Promise<void>
  stop(): Promise<void>
}

const within = (sql: Sql) => ({
  db: { executeSql: (text: string, values?: unknown[]) => sql.query(text, values) },
})

/** Resolves with the work, or rejects when the signal is aborted, whichever is first. */
const orAborted = (work: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('given up at its deadline')), { once: true })
    work.then(resolve, reject)
  })

const schemaExists = async (url: string): Promise<boolean> => {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    const { rows } = await client.query<{ there: boolean }>(`select to_regnamespace($1) is not null as there`, [schema])
    return rows[0]?.there === true
  } finally {
    await client.end()
  }
}

export type QueueOptions = {
  readonly url: string
  readonly log: QueueLog
  /** Proof kit only: so many messages at once, each on its own; one that is held in the middle holds up no other. */
  readonly lanes?: number
}

export const startQueue = async ({ url, log, lanes }: QueueOptions): Promise<Queue> => {
  const boss = new PgBoss({
    // A role that owns the schema need not be allowed to make others.
    createSchema: !(await withRetry(() => schemaExists(url))),
    connectionString: url,
    application_name: 're-core queue',
    schema,
    max: 4,
    useListenNotify: lanes === undefined,
    notifyHeartbeatIntervalMs: 2_000,
    notifyHeartbeatTimeoutMs: 2_000,
    schedule: false,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
  })
  boss.on('error', error => log.warn({ error: error.message }, 'queue'))
  boss.on('warning', warning => log.warn({ warning: warning.message }, 'queue'))
  await boss.start()
  await boss.createQueue(name, {
    policy: 'stately',
    notify: true,
    retryLimit: 5,
    retryDelay: 1,
    retryBackoff: true,
    retryDelayMax: 10,
    expireInSeconds: expireSeconds,
    heartbeatSeconds: 10,
    deleteAfterSeconds: 600,
  })
  const stopping = new AbortController()

  /** Said as soon as Postgres can hear it; a claim that nobody gives back blocks its system until the heartbeat is missed. */
  const putBack = async (job: Message, why: string): Promise<void> => {
    const until = performance.now() + putBackMs
    for (;;)
      try {
        await boss.fail(name, job, { message: why })
        return
      } catch (error) {
        if (stopping.signal.aborted || performance.now() > until)
          return log.warn({ error: (error as Error).message }, 'a message was not put back; it expires by itself')
        await pause(250)
      }
  }

  const one = async (job: Message & { data: { id: string } }, signal: AbortSignal, handle: Handle) => {
    const bounded = AbortSignal.any([signal, stopping.signal, AbortSignal.timeout(deadlineMs)])
    try {
      await orAborted(handle(job.data.id, job, bounded), bounded)
    } catch (error) {
      log.warn({ system: job.data.id, error: (error as Error).message }, 'an attempt broke off')
      await putBack(job, (error as Error).message)
    }
  }
  return {
    wake: async (sql, id) => {
      await boss.upsert(name, { id }, { singletonKey: id, startAfter: 0, ...within(sql) })
    },
    later: async (sql, id, afterMs) => {
      const startAfter = afterMs > 0 ? { startAfter: afterMs / 1000 } : {}
      await boss.send(name, { id }, { singletonKey: id, ...startAfter, ...within(sql) })
    },
    hold: async (sql, id) => {
      const message = await boss.send(name, { id }, { singletonKey: id, startAfter: holdSeconds, ...within(sql) })
      return message === null ? null : { id: message, retryCount: 0, held: true }
    },
    settle: async (sql, message) => {
      if (message.held)
        // One that somebody has pulled forward, perhaps since this transaction began, tells of a new wish: it stays.
        await sql.query(
          `delete from ${schema}.job where name = $1 and id = $2 and state = 'created' and start_after > clock_timestamp()`,
          [name, message.id],
        )
      else await boss.complete(name, message, null, within(sql))
    },
    takeOver: async () => {
      const sql = `select id from ${schema}.job where name = $1 and state = 'active' limit 1000`
      const { rows } = await boss.getDb().executeSql(sql, [name])
      const ids = rows.map(row => String(row.id))
      if (ids.length > 0) await boss.fail(name, ids, { message: 'another worker has started' })
    },
    work: async handle => {
      const options = {
        ...(lanes === undefined
          ? { batchSize, localConcurrency: 3, pollingIntervalSeconds: 1 }
          : { batchSize: 1, localConcurrency: lanes, pollingIntervalSeconds: 0.5 }),
        burstWhenBatchFull: true,
        notifyPollingIntervalSeconds: 1,
        includeMetadata: true,
      } as const
      await boss.work<{ id: string }, void, typeof options>(name, options, async jobs => {
        await Promise.all(jobs.map(job => one(job, job.signal, handle)))
      })
    },
    halt: async () => {
      stopping.abort()
      await boss.offWork(name)
    },
    stop: async () => {
      stopping.abort()
      await boss.stop({ graceful: true, timeout: 2_000 })
    },
  }
}
