// The words of @re-ops/protocols, whose schemas take too long to load; a test compares them.
export const failureStates = [
  'exit',
  'invalid',
  'timeout',
  'cancelled',
  'rejected',
  'unreachable',
  'lost',
  'skipped',
] as const
export type FailureState = (typeof failureStates)[number]
