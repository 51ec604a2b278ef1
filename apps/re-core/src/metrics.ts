import type { Metrics } from '@re-ops/service'
import type { Pool } from 'pg'
import { Gauge } from 'prom-client'

type Count = { readonly label: string; readonly count: number }

/** What stands in Postgres and somebody should look at; read when it is asked for. */
export const observeAlarms = ({ registry }: Metrics, pool: Pool): void => {
  const gauge = (name: string, help: string, labelName: string, sql: string) =>
    new Gauge({
      name,
      help,
      labelNames: [labelName],
      registers: [registry],
      async collect() {
        const { rows } = await pool.query<Count>(sql)
        this.reset()
        for (const { label, count } of rows) this.set({ [labelName]: label }, count)
      },
    })
  gauge(
    'recore_account_frozen',
    'machines in the account that are newer than our rows; nothing is ended by itself there',
    'account',
    'select account as label, count(*)::int as count from core.alarm where freezes group by account',
  )
  gauge(
    'recore_notices',
    'what happened by itself in the last 30 days',
    'kind',
    'select kind as label, count(*)::int as count from core.notice group by kind',
  )
}
