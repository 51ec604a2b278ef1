import type { Life } from './life.ts'

/** References as `alive` answers them. */
export const inOrder = (...refs: readonly (string | null)[]): string[] => refs.map(ref => ref ?? 'none').toSorted()

/** Machines are exactly those of rows that are not gone: 0 orphans, 0 lost, 0 duplicates. */
export const machinesAgree = async ({ world, alive }: Life, ids: readonly string[]): Promise<void> => {
  const rows = await Promise.all(ids.map(world.row))
  const wanted = inOrder(...rows.filter(row => row.phase !== 'gone').map(row => row.ref))
  await world.until('machines agree with rows', async () => JSON.stringify(await alive()) === JSON.stringify(wanted))
}

/** Holds whoever comes first to that step, until it is let go. */
export const holdOnce = (step: string) => {
  const free = Promise.withResolvers<void>()
  let isHeld = false
  return {
    at: async (name: string): Promise<void> => {
      if (name !== step || isHeld) return
      isHeld = true
      await free.promise
    },
    /** Resolves once somebody has come there on behalf of that system. */
    reachedBy: ({ world }: Life, id: string): Promise<unknown> =>
      world
        .until(`somebody comes to ${step}`, async () => isHeld)
        .catch(async (error: unknown) => {
          const { phase, reason } = await world.row(id)
          throw new Error(`${(error as Error).message}; it is ${phase}: ${reason}`, { cause: error })
        }),
    letGo: free.resolve,
  }
}
