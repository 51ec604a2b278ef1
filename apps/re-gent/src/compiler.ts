import { setFlagsFromString } from 'node:v8'

/** An agent that was sent so many calls is not one of those that mostly wait. */
const callsMin = 50

/**
 * The launcher of the bundle starts us without V8's optimising compilers, whose code would stay resident (see
 * tools/bundle/launcher.ts). Call this with each call: an agent that works gets them back, and with them half the time
 * per call; from then on it is 3 to 5 MB larger.
 */
export const makeCompilerSwitch = (): (() => void) => {
  let calls = 0
  return () => {
    calls += 1
    if (calls === callsMin) for (const flag of ['--opt', '--maglev']) setFlagsFromString(flag)
  }
}
