import { hostname, uptime } from 'node:os'
import { ProviderError, type Child, type Observation, type ObservedVm } from '@re-ops/protocols'
import { findAgent, findAgents } from './control.ts'
import {
  boundLog,
  exists,
  folderOf,
  isId,
  isSpent,
  logOf,
  machineFolders,
  readMachine,
  sweepAside,
  type Machine,
} from './machine.ts'
import { readMarks, type Marks } from './marks.ts'
import type { LiveProcess } from './process.ts'
import type { LocalDeps } from './start.ts'

export const checkRef = (ref: string) => {
  if (!isId(ref))
    throw new ProviderError('invalid', 'not-applied', `${ref.slice(0, 64)} is no local machine: a UUID is`)
}

/** What a machine is marked with; of one that was made before there were marks, what it was made with. */
export const marksOf = async (folder: string, machine: Machine): Promise<Marks> =>
  (await readMarks(folder)) ?? { name: machine.name, protected: false, tags: {} }

export const observe = async ({ root }: LocalDeps, ref: string): Promise<Observation> => {
  checkRef(ref)
  const folder = folderOf(root, ref)
  const machine = await readMachine(folder)
  if (machine === null) return { state: 'absent', proof: (await isSpent(root, ref)) ? 'terminal' : 'not-found' }
  return { state: 'present', vm: observed(ref, machine, await marksOf(folder, machine), await findAgent(folder)) }
}

const observed = (ref: string, machine: Machine, marks: Marks, agent: LiveProcess | null): ObservedVm => ({
  ref,
  power: agent === null ? 'stopped' : 'running',
  raw: agent === null ? 'no process' : `process ${agent.pid}`,
  locked: false,
  addresses: [{ address: '127.0.0.1', scope: 'private' }],
  size: machine.size,
  zone: hostname(),
  image: machine.image,
  createdAt: machine.createdAt,
  tags: { name: marks.name, ...marks.tags },
  owner: {
    installation: machine.identity.installation,
    vmId: machine.identity.vmId,
    generation: machine.identity.generation,
    candidate: machine.identity.candidate,
  },
  protected: marks.protected,
  lifecycle: 'on-demand',
  ...(marks.expiresAt === undefined ? {} : { expiresAt: marks.expiresAt }),
})

export async function* list({ root, now }: LocalDeps): AsyncGenerator<ObservedVm> {
  await sweepAside(root, now())
  const ids = await machineFolders(root)
  const agents = await findAgents(ids.map(id => folderOf(root, id)))
  for (const id of ids) {
    const folder = folderOf(root, id)
    const machine = await readMachine(folder)
    if (machine === null) continue // destroyed while we looked
    const marks = await marksOf(folder, machine)
    await boundLog(folder)
    yield observed(id, machine, marks, agents.get(folder) ?? null)
  }
}

/** Its folder is all there is of it besides its processes. */
export const children = async ({ root }: LocalDeps, ref: string): Promise<Child[]> => {
  checkRef(ref)
  const folder = folderOf(root, ref)
  return (await exists(folder)) ? [{ ref: logOf(folder), kind: 'disk', costs: false, endsWithMachine: true }] : []
}

/** Start times are told in hundredths of a second. */
const tickMs = 10
/** Whether its agent was started since then: by a reboot, which is all that is asked for here. */
export const startedSince = async ({ root, now }: LocalDeps, ref: string, since: Date): Promise<boolean> => {
  checkRef(ref)
  const agent = await findAgent(folderOf(root, ref))
  if (agent === null) return false
  const startedAt = now() - uptime() * 1_000 + Number(agent.startTicks) * tickMs
  return startedAt >= since.getTime() - tickMs
}
