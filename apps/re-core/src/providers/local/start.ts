import { findAgent, startAgent } from './control.ts'
import { folderOf } from './machine.ts'

export type LocalDeps = {
  /** Absolute; one folder per machine, named by its identity's uuid. */
  readonly root: string
  /** The agent's command, to which `--state <folder>` is added. */
  readonly agentCommand: readonly string[]
  readonly now: () => number
  readonly stopGraceMs: number
  /** Proof kit only: leave out the guards against doing a thing twice, so that the chaos test can show it notices. */
  readonly unfenced?: boolean
  /** Called before and after each effect, by name; tests end the world there. */
  readonly at?: (point: string, ref: string) => void | Promise<void>
}

export const point = async ({ at }: LocalDeps, name: string, ref: string) => at?.(name, ref)

/** Idempotent: a machine that runs is left alone. */
export const start = async (deps: LocalDeps, uuid: string): Promise<void> => {
  const folder = folderOf(deps.root, uuid)
  if (deps.unfenced !== true && (await findAgent(folder)) !== null) return
  await point(deps, 'start.begin', uuid)
  await startAgent(deps.agentCommand, folder, deps.unfenced !== true)
}
