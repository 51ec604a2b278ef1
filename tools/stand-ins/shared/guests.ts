import { spawn, type ChildProcess } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A machine as its guest sees it. */
export type Guest = {
  readonly id: string
  readonly state: string
  /** As the machine was given it, in plain. */
  readonly userData: string | null
}
type CloudConfig = { readonly write_files?: readonly { readonly path: string; readonly content: string }[] }

/** What re-core's user-data tells the agent of the image. */
const agentConfig = (userData: string): object | null => {
  const config = JSON.parse(userData.replace(/^#cloud-config\n/, '')) as CloudConfig
  const file = config.write_files?.find(one => one.path.endsWith('/config.json'))
  return file === undefined ? null : (JSON.parse(file.content) as object)
}

/**
 * Guests of a stand-in: while a machine runs, an agent runs that was told what the user-data says, with a state folder
 * that stays as long as the machine. `command` gets `--state FOLDER`.
 */
export const makeGuests = (root: string, command: readonly [string, ...string[]]) => {
  const running = new Map<string, ChildProcess>()
  const powerOff = (id: string): void => {
    running.get(id)?.kill('SIGKILL')
    running.delete(id)
  }
  const powerOn = ({ id, userData }: Guest): void => {
    const config = userData === null ? null : agentConfig(userData)
    if (config === null || running.has(id)) return
    const folder = join(root, id)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    writeFileSync(join(folder, 'config.json'), JSON.stringify({ ...config, instance: id }), { mode: 0o600 })
    const [program, ...args] = command
    const child = spawn(program, [...args, '--state', folder], { cwd: folder, stdio: 'ignore' })
    running.set(id, child)
    child.once('error', () => running.delete(id))
  }
  return {
    onState: (machine: Guest): void => {
      if (machine.state === 'running') powerOn(machine)
      else if (machine.state !== 'pending') powerOff(machine.id)
      if (machine.state === 'terminated') rmSync(join(root, machine.id), { recursive: true, force: true })
    },
    running: (): readonly string[] => [...running.keys()],
    stop: (): void => {
      for (const id of running.keys()) powerOff(id)
    },
  }
}
