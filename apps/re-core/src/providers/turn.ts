import type { Ahead } from '@re-ops/protocols'

/** One that was not used at once is taken anew: turns that are kept would add up to a burst. */
const keptMs = 1_000

/** Takes the turn of a create call of which nothing can be there yet. */
export const turnAhead = async (take: () => Promise<void>): Promise<Ahead> => {
  await take()
  return { found: null, turnAt: performance.now() }
}

/** Whether the create call need not wait for its turn any more. */
export const hasTurn = (ahead: Ahead | undefined): boolean =>
  typeof ahead?.turnAt === 'number' && performance.now() - ahead.turnAt < keptMs
