import { usage } from '../fault.ts'

export type SummaryOptions = { readonly summary?: string | boolean; readonly groupBy?: string }
export type SummaryAsked = { readonly of?: string; readonly by?: string }

/** `--summary`, `--summary memory.used:p95,top3`, `--group-by os.id`, or null when none of them is given. */
export const summaryAsked = ({ summary, groupBy }: SummaryOptions): SummaryAsked | null => {
  if (summary === undefined && groupBy === undefined) return null
  if (groupBy === '') throw usage('--group-by: which field? for example --group-by os.id')
  return { ...(typeof summary === 'string' ? { of: summary } : {}), ...(groupBy === undefined ? {} : { by: groupBy }) }
}
