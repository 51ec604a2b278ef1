/** Lets at most `most` have a turn at a time; who comes first has it first. */
export const makeTurns = (most: number) => {
  const waiting: (() => void)[] = []
  let taken = 0
  const next = (): void => {
    if (taken >= most) return
    const resolve = waiting.shift()
    if (!resolve) return
    taken += 1
    resolve()
  }
  return {
    /** Resolves with what gives the turn back; giving it back twice is no error. */
    take: async (): Promise<() => void> => {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      next()
      await promise
      let isGiven = false
      return () => {
        if (isGiven) return
        isGiven = true
        taken -= 1
        next()
      }
    },
  }
}
