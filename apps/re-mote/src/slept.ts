/** Being busy makes a turn late by less. */
const sleptMinMs = 2_000

/**
 * For a timer that should turn every `everyMs`: answers at each turn how long this process stood still beyond that (a
 * computer suspended, a virtual machine paused), else 0. Nobody could be heard meanwhile, so nobody was silent.
 */
export const makeSlept = (everyMs: number, from: number): ((now: number) => number) => {
  let last = from
  return now => {
    const late = now - last - everyMs
    last = now
    return late >= sleptMinMs ? late : 0
  }
}
