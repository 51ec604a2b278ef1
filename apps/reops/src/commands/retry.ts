import { failureStates, type FailureState } from '../arguments/states.ts'
import type { Context } from '../context.ts'
import { usage } from '../fault.ts'
import { begin } from './run.ts'
import { idOf } from './runs.ts'

type Options = {
  readonly failed?: boolean
  readonly state?: readonly string[]
  readonly yes?: boolean
  readonly detach?: boolean
  readonly json?: boolean
}

/** The states named, each one known; null: all failures. */
const statesOf = ({ state = [], failed }: Options): FailureState[] | null => {
  const named = state.flatMap(one => one.split(',')).map(one => one.trim())
  const unknown = named.find(one => !(failureStates as readonly string[]).includes(one))
  if (unknown !== undefined)
    throw usage(`--state: \`${unknown}\` is no way to fail; allowed are ${failureStates.join(', ')}`)
  if (named.length > 0 && failed === true) throw usage('give --failed (all that failed) or --state, not both')
  return named.length === 0 ? null : ([...new Set(named)] as FailureState[])
}

/** A new run of the same on hosts that failed; shown as `run` shows one. */
export const retryRun = async (context: Context, word: string, options: Options): Promise<number> => {
  const states = statesOf(options)
  const { mote } = await context.client()
  const id = await idOf(mote, word)
  const body = { ...(states ? { states } : {}), ...(options.yes === true ? { force: true } : {}) }
  return begin(context, mote, () => mote.retryRun(id, body), { ...options, asked: null })
}
