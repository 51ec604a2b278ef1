import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import {
  type Accepted,
  type CallHome,
  type CreateRequest,
  type Identity,
  type Observation,
  type ObservedVm,
  type Provider,
  ProviderError,
  type VmSpec,
} from '@re-ops/protocols'
import { findAgent, findAgents, startAgent } from './control.ts'
import {
  boundLog,
  digestOf,
  exists,
  folderOf,
  isId,
  isSpent,
  machineFolders,
  makeFolder,
  readMachine,
  removeFolder,
  spend,
  sweepAside,
  type Machine,
} from './machine.ts'
import { powerOff } from './power.ts'
import type { LiveProcess } from './process.ts'

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

/** Machines that are real agent processes on this computer: the default on a fresh machine, the demo, the reference. */
export const makeLocal = (deps: LocalDeps): Provider => ({
  kind: 'local',
  caps: {
    createIdempotency: 'caller-id',
    gracefulStop: true,
    reusableAfterDestroy: false,
    maxVisibilityLagMs: 0,
    latestLandingMs: 0,
    stoppedIsBilled: false,
  },
  planCreate,
  create: (request, signal) => create(deps, request, signal),
  findByIdentity: async identity => {
    const observation = await observe(deps, identity.uuid)
    return observation.state === 'present' ? [observation.vm] : []
  },
  observe: ref => observe(deps, ref),
  list: () => list(deps),
  act: (ref, action) => act(deps, ref, action),
  destroy: ref => destroy(deps, ref),
})

/** There is one of each: a process of this computer. */
export const localSize = 'process'
export const localImage = 'this-computer'

const refuseUnlessOnly = (field: string, value: string, only: string): void => {
  if (value !== only)
    throw new ProviderError('invalid', 'not-applied', `${field} is ${value}; allowed of provider local: ${only}`)
}

const planCreate = (spec: VmSpec, identity: Identity): CreateRequest => {
  refuseUnlessOnly('size', spec.size, localSize)
  refuseUnlessOnly('image', spec.image, localImage)
  if (spec.callHome === null)
    throw new ProviderError('invalid', 'not-applied', 'a local machine is an agent: readiness must be agent')
  return { identity, body: { ...spec } }
}

const point = async ({ at }: LocalDeps, name: string, ref: string) => at?.(name, ref)

const create = async (deps: LocalDeps, request: CreateRequest, signal: AbortSignal): Promise<Accepted> => {
  const { root } = deps
  signal.throwIfAborted()
  await mkdir(root, { recursive: true, mode: 0o700 })
  const { identity } = request
  const uuid = deps.unfenced === true ? randomUUID() : identity.uuid
  await refuseSpent(root, uuid)
  await point(deps, 'create.begin', uuid)
  const machine = await readMachine(folderOf(root, uuid))
  if (machine === null) await makeFolder(root, uuid, filesOf(request, deps.now()))
  else if (machine.digest !== digestOf(request))
    throw new ProviderError('identity-mismatch', 'not-applied', `${uuid} was made by another request`)
  await point(deps, 'create.folder', uuid)
  // A destroy that ran meanwhile left its mark before it looked; either it saw our folder or we see its mark.
  if (await isSpent(root, uuid)) {
    await removeFolder(root, uuid)
    await refuseSpent(root, uuid)
  }
  await start(deps, uuid)
  await point(deps, 'create.started', uuid)
  return { ref: uuid }
}

const refuseSpent = async (root: string, uuid: string) => {
  if (await isSpent(root, uuid))
    throw new ProviderError(
      'identity-spent',
      'not-applied',
      `${uuid} was destroyed; its next life has another identity`,
    )
}

const filesOf = (request: CreateRequest, now: number): Record<string, string> => {
  const { callHome, ...spec } = request.body as VmSpec & { callHome: CallHome }
  const machine: Machine = {
    identity: request.identity,
    name: spec.name,
    type: spec.type,
    size: spec.size,
    image: spec.image,
    createdAt: new Date(now).toISOString(),
    digest: digestOf(request),
  }
  return {
    'machine.json': JSON.stringify(machine),
    'config.json': JSON.stringify({ ...callHome, instance: request.identity.uuid }),
  }
}

/** Idempotent: a machine that runs is left alone. */
const start = async (deps: LocalDeps, uuid: string): Promise<void> => {
  const folder = folderOf(deps.root, uuid)
  if (deps.unfenced !== true && (await findAgent(folder)) !== null) return
  await point(deps, 'start.begin', uuid)
  await startAgent(deps.agentCommand, folder, deps.unfenced !== true)
}

const checkRef = (ref: string) => {
  if (!isId(ref))
    throw new ProviderError('invalid', 'not-applied', `${ref.slice(0, 64)} is no local machine: a UUID is`)
}

const observe = async ({ root }: LocalDeps, ref: string): Promise<Observation> => {
  checkRef(ref)
  const folder = folderOf(root, ref)
  const machine = await readMachine(folder)
  if (machine === null) return { state: 'absent', proof: (await isSpent(root, ref)) ? 'terminal' : 'not-found' }
  return { state: 'present', vm: observed(ref, machine, await findAgent(folder)) }
}

const observed = (ref: string, machine: Machine, agent: LiveProcess | null): ObservedVm => ({
  ref,
  power: agent === null ? 'stopped' : 'running',
  raw: agent === null ? 'no process' : `process ${agent.pid}`,
  addresses: ['127.0.0.1'],
  createdAt: machine.createdAt,
  tags: { name: machine.name },
  owner: {
    installation: machine.identity.installation,
    vmId: machine.identity.vmId,
    generation: machine.identity.generation,
    candidate: machine.identity.candidate,
  },
})

async function* list({ root, now }: LocalDeps): AsyncGenerator<ObservedVm> {
  await sweepAside(root, now())
  const ids = await machineFolders(root)
  const agents = await findAgents(ids.map(id => folderOf(root, id)))
  for (const id of ids) {
    const folder = folderOf(root, id)
    const machine = await readMachine(folder)
    if (machine === null) continue // destroyed while we looked
    await boundLog(folder)
    yield observed(id, machine, agents.get(folder) ?? null)
  }
}

const act = async (
  deps: LocalDeps,
  ref: string,
  action: { kind: 'start' } | { kind: 'stop'; force: boolean },
): Promise<void> => {
  checkRef(ref)
  if (!(await exists(folderOf(deps.root, ref))))
    throw new ProviderError('not-found', 'not-applied', `there is no local machine ${ref}`)
  await point(deps, `${action.kind}.before`, ref)
  if (action.kind === 'start') await start(deps, ref)
  else await powerOff(folderOf(deps.root, ref), action.force ? 0 : deps.stopGraceMs)
  await point(deps, `${action.kind}.after`, ref)
}

const destroyGraceMs = 1_000
/** Spent first, so nothing can make it again; looked at once more after the folder has gone, for a start under way. */
const destroy = async (deps: LocalDeps, ref: string): Promise<void> => {
  checkRef(ref)
  const folder = folderOf(deps.root, ref)
  await spend(deps.root, ref)
  await point(deps, 'destroy.spent', ref)
  await powerOff(folder, destroyGraceMs)
  await point(deps, 'destroy.stopped', ref)
  await removeFolder(deps.root, ref)
  await point(deps, 'destroy.removed', ref)
  await powerOff(folder, 0)
  await sweepAside(deps.root, deps.now())
}

export const defaultAgentCommand = (): readonly string[] => [
  process.execPath,
  fileURLToPath(new URL('../../../../re-gent/src/main.ts', import.meta.url)),
]
