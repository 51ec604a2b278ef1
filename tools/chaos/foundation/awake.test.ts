import { expect, test } from '@jest/globals'
import { startAwake } from './awake.ts'

test('the clock goes on while we are merely late, and stands still while the computer does', () => {
  const at = { ms: 1_000 }
  const awake = startAwake(() => at.ms)
  try {
    at.ms += 2_500
    expect(awake.now()).toBe(3_500)
    at.ms += 15_000
    expect(awake.now()).toBe(3_700)
    expect(awake.sleptMs()).toBe(14_800)
    at.ms += 200
    expect(awake.now()).toBe(3_900)
  } finally {
    awake.stop()
  }
})
