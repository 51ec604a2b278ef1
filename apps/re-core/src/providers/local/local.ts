import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { arch, availableParallelism, hostname, totalmem, userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import {
  type Accepted,
  type CallHome,
  type Caps,
  type Catalog,
  type CreateRequest,
  type Identity,
  type Provider,
  ProviderError,
  type VmSpec,
} from '@re-ops/protocols'
import { plainLimits } from '../plain.ts'
import { act } from './act.ts'
import { openConsole } from './console.ts'
import {
  digestOf,
  folderOf,
  isSpent,
  makeFolder,
  readMachine,
  removeFolder,
  spend,
  sweepAside,
  type Machine,
} from './machine.ts'
import { marksFile, type Marks } from './marks.ts'
import { checkRef, children, list, marksOf, observe, startedSince } from './observe.ts'
import { powerOff } from './power.ts'
import { point, start, type LocalDeps } from './start.ts'

/** There is one of each: a process of this computer. */
export const localSize = 'process'
export const localImage = 'this-computer'

export const localCaps: Caps = {
  createIdempotency: 'caller-id',
  tags: 'map',
  tagsAtCreate: 'atomic',
  actions: ['start', 'stop', 'reboot', 'rename', 'setTags', 'setProtection', 'setExpiry'],
  liveResize: false,
  diskShrink: false,
  snapshot: 'none',
  liveSnapshot: false,
  liveRename: true,
  userData: false,
  protection: true,
  spot: false,
  zones: false,
  console: 'log',
  opHistory: true,
  events: false,
  gracefulStop: true,
  stoppedIsBilled: false,
  reusableAfterDestroy: false,
  maxVisibilityLagMs: 0,
  latestLandingMs: 0,
}

/** Machines that are real agent processes on this computer: the default on a fresh machine, the demo, the reference. */
export const makeLocal = (deps: LocalDeps): Provider => ({
  ...plainLimits,
  kind: 'local',
  caps: localCaps,
  offerings: spec => [{ size: spec.size, zone: null, market: 'on-demand' }],
  planCreate,
  create: (request, signal) => create(deps, request, signal),
  findByIdentity: async identity => {
    const observation = await observe(deps, identity.uuid)
    return observation.state === 'present' ? [observation.vm] : []
  },
  observe: ref => observe(deps, ref),
  list: () => list(deps),
  act: async (ref, action) => (await act(deps, ref, action), { ref }),
  pollOp: async () => 'done',
  findOp: async (ref, _kind, { since }) => ((await startedSince(deps, ref, since)) ? { opRef: ref } : 'none'),
  destroy: async ref => (await destroy(deps, ref), { ref }),
  children: ref => children(deps, ref),
  catalog: async () => catalog(),
  quota: async () => [],
  console: ref => openConsole(deps, ref),
  verifyCredentials: async () => ({ id: hostname(), name: userInfo().username }),
})

const catalog = (): Catalog => ({
  sizes: [
    {
      name: localSize,
      cores: availableParallelism(),
      memoryMb: Math.round(totalmem() / 2 ** 20),
      diskGb: null,
      architecture: arch(),
    },
  ],
  images: [{ name: localImage, title: 'this computer as it is', architecture: arch(), origin: 'provider' }],
  regions: [{ name: 'local', title: hostname(), zones: [] }],
  prices: [],
})

const refuseUnlessOnly = (field: string, value: string, only: string): void => {
  if (value !== only)
    throw new ProviderError('invalid', 'not-applied', `${field} is ${value}; allowed of provider local: ${only}`)
}

const planCreate = (spec: VmSpec, identity: Identity): CreateRequest => {
  refuseUnlessOnly('size', spec.size, localSize)
  refuseUnlessOnly('image', spec.image, localImage)
  refuseUnlessOnly('market', spec.market ?? 'on-demand', 'on-demand')
  for (const field of ['userData', 'diskGb', 'zones', 'sshKeys'] as const)
    if (spec[field] !== undefined)
      throw new ProviderError('invalid', 'not-applied', `${field} is given; provider local takes none`)
  if (spec.callHome === null)
    throw new ProviderError('invalid', 'not-applied', 'a local machine is an agent: readiness must be agent')
  return { identity, body: { ...spec } }
}

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
  const marks: Marks = {
    name: spec.name,
    protected: spec.protected ?? false,
    tags: spec.tags ?? {},
    ...(spec.expiresAt === undefined ? {} : { expiresAt: spec.expiresAt }),
  }
  return {
    'machine.json': JSON.stringify(machine),
    'config.json': JSON.stringify({ ...callHome, instance: request.identity.uuid }),
    [marksFile]: JSON.stringify(marks),
  }
}

const destroyGraceMs = 1_000
/** Spent first, so nothing can make it again; looked at once more after the folder has gone, for a start under way. */
const destroy = async (deps: LocalDeps, ref: string): Promise<void> => {
  checkRef(ref)
  const folder = folderOf(deps.root, ref)
  const machine = await readMachine(folder)
  if (machine !== null && (await marksOf(folder, machine)).protected)
    throw new ProviderError('protected', 'not-applied', `${ref} is protected; take the protection away first`)
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
