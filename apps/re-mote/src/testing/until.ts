/** Polls until the condition gives something true, or fails with `what` after the deadline. */
export const until = async <T>(
  what: string,
  condition: () => T | Promise<T>,
  deadlineMs = 40_000,
): Promise<NonNullable<T>> => {
  const end = performance.now() + deadlineMs
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}
