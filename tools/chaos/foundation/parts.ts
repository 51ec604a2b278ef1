import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export type PartKind = 'postgres' | 're-mote' | 'broker' | 're-core' | 'agent'
export type Part = { kind: PartKind; pid: number; /** of an agent: its host's name */ host?: string }

const json = (file: string): Record<string, unknown> | null => {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  } catch {
    return null // not written yet, or being replaced: the part is not up
  }
}

/** Whether the process exists and is not a zombie. */
export const isAlive = (pid: number): boolean => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // no such process
  }
}

/** Folders of agents: this machine's and those of the local provider's machines. */
export const agentFolders = (state: string): string[] => {
  const below = (folder: string) => (existsSync(folder) ? readdirSync(folder).map(name => join(folder, name)) : [])
  return [...below(join(state, 'hosts')), ...below(join(state, 'local'))].filter(folder =>
    existsSync(join(folder, 'journal')),
  )
}

/** Every part that is up now, with its process id, from what each wrote itself. */
export const livingParts = (state: string): Part[] => {
  const found: Part[] = []
  const add = (kind: PartKind, pid: unknown, host?: unknown) => {
    if (typeof pid === 'number' && isAlive(pid))
      found.push({ kind, pid, ...(typeof host === 'string' ? { host } : {}) })
  }
  const postmaster = join(state, 'postgres', 'postmaster.pid')
  if (existsSync(postmaster)) add('postgres', Number.parseInt(readFileSync(postmaster, 'utf8'), 10))
  const mote = json(join(state, 're-mote.json'))
  add('re-mote', mote?.pid)
  for (const broker of (mote?.brokers as { pid: number }[] | undefined) ?? []) add('broker', broker.pid)
  add('re-core', json(join(state, 're-core.json'))?.pid)
  for (const folder of agentFolders(state)) {
    const agent = json(join(folder, 'agent.json'))
    add('agent', agent?.pid, agent?.name)
  }
  return found
}
