import { setTimeout as pause } from 'node:timers/promises'
import { dirname } from 'node:path'
import { markedProcesses, sameProcessLives, signalProcess, type LiveProcess } from './process.ts'

const pollMs = 10
const diesWithin = async (processes: readonly LiveProcess[], ms: number): Promise<boolean> => {
  const until = performance.now() + ms
  for (;;) {
    const lives = await Promise.all(processes.map(sameProcessLives))
    if (!lives.includes(true)) return true
    if (performance.now() >= until) return false
    await pause(pollMs)
  }
}

const marked = async (isOurs: (folder: string) => boolean) =>
  (await markedProcesses()).filter(one => isOurs(one.folder))

/** Power off: the agent may end in good order within `graceMs`; then everything that carries the mark is killed. */
const powerOffWhere = async (isOurs: (folder: string) => boolean, graceMs: number): Promise<number> => {
  const first = await marked(isOurs)
  const agents = first.filter(one => one.isAgent)
  if (graceMs > 0) {
    for (const agent of agents) await signalProcess(agent, 'SIGTERM')
    await diesWithin(agents, graceMs)
  }
  for (let round = 0; round < 20; round += 1) {
    const left = await marked(isOurs)
    if (left.length === 0) return agents.length
    for (const one of left) await signalProcess(one, 'SIGKILL')
    await diesWithin(left, 250)
  }
  throw new Error('a process of the machine does not end although it was killed')
}

export const powerOff = (folder: string, graceMs: number): Promise<number> =>
  powerOffWhere(one => one === folder, graceMs)

/** Every machine whose folder stands under `root`. */
export const powerOffAll = (root: string, graceMs: number): Promise<number> =>
  powerOffWhere(one => dirname(one) === root, graceMs)
