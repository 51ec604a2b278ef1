import type { Notice } from '@re-ops/protocols'
import { listJobs } from '../store/jobs.ts'
import { listNotices } from '../store/notices.ts'
import type { Sql } from '../store/sql.ts'

/** What was asked of a system and what came of it, oldest first: `verb state`. */
export const jobsOf = async (sql: Sql, system: string): Promise<string[]> =>
  (await listJobs(sql, system, 100)).map(job => `${job.verb} ${job.state}`).toReversed()

/** What happened by itself, oldest first. */
export const noticesIn = async (sql: Sql): Promise<Notice[]> => (await listNotices(sql, 1_000)).toReversed()
