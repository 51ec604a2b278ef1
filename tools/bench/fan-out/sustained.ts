import { rounded } from '../../proof/report.ts'
import type { Rig } from './rig.ts'
import { runOnce } from './run-once.ts'

const inFlight = 8
const lastsMs = 20_000

/** Results a second while many runs are under way at once, each committed and told to its client. Gives the ids of the runs too. */
export const sustained = async (rig: Rig, forMs = lastsMs): Promise<{ resultsPerSecond: number; runs: string[] }> => {
  const runs: string[] = []
  const from = performance.now()
  const client = async (): Promise<void> => {
    while (performance.now() - from < forMs) runs.push((await runOnce(rig)).run)
  }
  await Promise.all(Array.from({ length: inFlight }, client))
  const seconds = (performance.now() - from) / 1_000
  return { resultsPerSecond: rounded((runs.length * rig.agents) / seconds), runs }
}
