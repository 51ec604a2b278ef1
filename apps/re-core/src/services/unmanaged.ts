import { ProviderError, type ObservedVm, type Unmanaged, type UnmanagedState } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { onlyPlace, placeName, type PlaceKey } from '../providers/place.ts'
import { accountPlaces } from '../store/accounts.ts'
import type { SystemRow } from '../store/row.ts'
import { machinesWanted, systemsById } from '../store/systems.ts'
import type { ServiceDeps } from './deps.ts'
import { isId } from './find.ts'
import { openFor } from './where.ts'

export type Which = { readonly account?: string | undefined; readonly region?: string | undefined }

/** Every place of this installation, or those of one account, or the one of its regions. Throws HttpProblem 422. */
export const placesMeant = async (
  { opener, pool }: Pick<ServiceDeps, 'opener' | 'pool'>,
  { account, region }: Which,
): Promise<PlaceKey[]> => {
  const here = [...opener.drivers.values()].filter(one => one.account === null).map(one => onlyPlace(one.kind))
  const all = [...here, ...(await accountPlaces(pool)).filter(one => opener.drivers.has(one.provider))]
  const refuse = (field: string, said: string, allowed: readonly string[]): never => {
    const detail = `${field} is ${said}; allowed: ${[...new Set(allowed)].join(', ')}`
    throw new HttpProblem(422, `no-such-${field}`, `No such ${field}`, detail)
  }
  const ofAccount = account === undefined ? all : all.filter(one => one.account === account)
  if (account !== undefined && ofAccount.length === 0)
    refuse(
      'account',
      account,
      all.map(one => one.account),
    )
  const found = region === undefined ? ofAccount : ofAccount.filter(one => one.region === region)
  if (region !== undefined && found.length === 0)
    refuse(
      'region',
      region,
      ofAccount.map(one => one.region),
    )
  return found
}

/** Whose the machine is when it is no living system's; null when it is. */
export const stateOf = (
  { owner }: ObservedVm,
  row: SystemRow | undefined,
  installation: string,
): UnmanagedState | null => {
  if (owner === undefined) return 'free'
  if (owner.installation !== installation) return 'foreign'
  if (row === undefined) return 'unknown'
  if (row.phase !== 'gone') return null
  // What was let go of is nobody's, also when its mark could not be taken off: it was powered off then.
  if (row.managed === 'observe') return 'free'
  return row.origin === 'created' ? 'stray' : null
}

export const importable: ReadonlySet<UnmanagedState | null> = new Set(['free', 'unknown'])

const view = (place: PlaceKey, vm: ObservedVm, state: UnmanagedState): Unmanaged => ({
  ...place,
  ref: vm.ref,
  name: vm.tags['name'] ?? null,
  power: vm.power,
  size: vm.size,
  image: vm.image ?? null,
  addresses: vm.addresses.map(one => one.address),
  createdAt: vm.createdAt,
  tags: { ...vm.tags },
  state,
  installation: vm.owner?.installation ?? null,
  importable: importable.has(state),
})

const listMs = 30_000
const machinesIn = async (deps: ServiceDeps, place: PlaceKey): Promise<ObservedVm[]> => {
  const found: ObservedVm[] = []
  try {
    const provider = await openFor(deps, place)
    for await (const vm of provider.list('all', AbortSignal.timeout(listMs))) if (vm.power !== 'gone') found.push(vm)
    return found
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const detail = `${placeName(place)}: ${error.message}`
    throw new HttpProblem(502, 'provider-refused', 'The provider did not answer', detail)
  }
}

/** The rows behind the machines' marks. */
export const ownersOf = async (
  { pool }: Pick<ServiceDeps, 'pool'>,
  vms: readonly ObservedVm[],
): Promise<ReadonlyMap<string, SystemRow>> => {
  const ids = vms.flatMap(({ owner }) => (owner !== undefined && isId(owner.vmId) ? [owner.vmId] : []))
  return new Map((await systemsById(pool, ids)).map(row => [row.id, row]))
}

/** Machines that belong to no system, by place, as their providers list them now. */
export const getUnmanaged = async (deps: ServiceDeps, which: Which): Promise<Unmanaged[]> => {
  const all: Unmanaged[] = []
  for (const place of await placesMeant(deps, which)) {
    const vms = await machinesIn(deps, place)
    const rows = await ownersOf(deps, vms)
    // After the list, so that what was taken hold of meanwhile is not shown.
    const held = new Set((await machinesWanted(deps.pool, place)).map(row => row.ref))
    for (const vm of vms.filter(one => !held.has(one.ref))) {
      const state = stateOf(vm, rows.get(vm.owner?.vmId ?? ''), deps.installation)
      if (state !== null) all.push(view(place, vm, state))
    }
  }
  return all
}
