import { setTimeout as delay } from 'node:timers/promises'

/** Asks until the answer is neither false nor undefined, at most `withinMs`; for conditions that only time can bring. */
export const until = async <T>(ask: () => T | Promise<T>, withinMs = 40_000): Promise<NonNullable<T>> => {
  const deadline = Date.now() + withinMs
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms: ${ask.toString().slice(0, 200)}`)
    await delay(20)
  }
}
