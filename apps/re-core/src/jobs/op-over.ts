import type { OpEnd } from '../store/ops.ts'
import type { Step } from './decide.ts'

/** A one-shot verb has come to its end. */
export const opOver = (state: OpEnd['state'], error: string | null): Step => ({
  kind: 'op-over',
  end: { state, error },
})
