import type { CreateRun, RunControl } from '@re-ops/protocols'
import { usage } from '../fault.ts'
import { durationMs } from './duration.ts'
import { wholeNumber } from './labels.ts'

/** Options of `run` on how hosts take their turns, as they were given. */
export type ControlOptions = {
  readonly batch?: string
  readonly serial?: string
  readonly batchWait?: string
  readonly concurrency?: string
  readonly canary?: string
  readonly maxFailures?: string
  readonly cancelRunning?: boolean
  readonly deadline?: string
  readonly dryRun?: boolean
}
const hostsMax = 1_000_000
const week = 604_800_000
const day = 86_400_000

/** `20` or `10%`. */
const shareOf = (text: string, what: string, least: 0 | 1): number | string => {
  const share = text.trim()
  if (/^(100|[0-9]{1,2}(\.[0-9]{1,3})?)%$/.test(share)) return share
  const number = /^\d{1,7}$/.test(share) ? Number(share) : Number.NaN
  if (number >= least && number <= hostsMax) return number
  throw usage(`${what}: \`${text}\` is neither a number of hosts from ${least} on nor a share such as 10%`)
}

/** As the API takes them; whether they fit together it knows itself. */
export const controlOf = (options: ControlOptions): RunControl & Pick<CreateRun, 'dryRun'> => {
  const { batch, serial, batchWait, concurrency, canary, maxFailures, deadline } = options
  return {
    ...(batch === undefined ? {} : { batch: shareOf(batch, '--batch', 1) }),
    ...(serial === undefined ? {} : { serial: shareOf(serial, '--serial', 1) }),
    ...(batchWait === undefined ? {} : { batchWaitMs: durationMs(batchWait, '--batch-wait', { max: day }) }),
    ...(concurrency === undefined ? {} : { concurrency: wholeNumber(concurrency, '--concurrency', 1, hostsMax) }),
    ...(canary === undefined ? {} : { canary: shareOf(canary, '--canary', 1) }),
    ...(maxFailures === undefined ? {} : { maxFailures: shareOf(maxFailures, '--max-failures', 0) }),
    ...(options.cancelRunning === true ? { cancelRunning: true } : {}),
    ...(deadline === undefined ? {} : { deadlineMs: durationMs(deadline, '--deadline', { max: week }) }),
    ...(options.dryRun === true ? { dryRun: true } : {}),
  }
}
