import { ProviderError, type Freeze, type Notice, type ObservedVm, type System } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { forgetAlarmsOf, listFreezes } from '../store/alarms.ts'
import { addNotice, listNotices } from '../store/notices.ts'
import type { SystemRow } from '../store/row.ts'
import { claimSystem, writeSystem, type Changes } from '../store/systems.ts'
import type { ServiceDeps } from './deps.ts'
import { findSystem } from './find.ts'
import { systemView } from './view.ts'

/** Newest first. */
export const getNotices = ({ pool }: ServiceDeps, limit: number): Promise<Notice[]> => listNotices(pool, limit)
export const getFreezes = ({ pool }: ServiceDeps): Promise<Freeze[]> => listFreezes(pool)

const listMs = 30_000
const byAge = ({ owner: a }: ObservedVm, { owner: b }: ObservedVm): number =>
  (b?.generation ?? 0) - (a?.generation ?? 0) || (b?.candidate ?? 0) - (a?.candidate ?? 0)

/** The latest machine of the system that its provider shows, with the mark of this installation. */
const latest = async (deps: ServiceDeps, row: SystemRow): Promise<ObservedVm> => {
  const found: ObservedVm[] = []
  try {
    const provider = await deps.open(row)
    for await (const vm of provider.list('owned', AbortSignal.timeout(listMs)))
      if (vm.owner?.vmId === row.id && vm.owner.installation === deps.installation) found.push(vm)
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    throw new HttpProblem(502, 'provider-refused', 'The provider did not answer', error.message)
  }
  const [vm] = found.toSorted(byAge)
  if (vm === undefined)
    throw new HttpProblem(
      409,
      'nothing-to-adopt',
      'No machine carries its mark',
      `account ${row.account} shows no machine of ${row.name} in ${row.region}`,
    )
  return vm
}

/** The row as the machine says it is; how long it is leased is the later of both. */
const adopted = (row: SystemRow, { ref, owner, expiresAt, createdAt }: ObservedVm, now: number): Changes => {
  const generation = owner?.generation ?? row.generation
  const there = expiresAt === undefined ? null : Date.parse(expiresAt)
  return {
    ref,
    generation,
    wantGeneration: generation,
    candidate: owner?.candidate ?? row.candidate,
    desired: row.desired === 'stopped' ? 'stopped' : 'running',
    phase: 'booting',
    reason: null,
    frozenRequest: null,
    sentAt: Date.parse(createdAt),
    registeredAt: now,
    destroyedAt: null,
    revokedAt: null,
    missingAt: null,
    downAt: null,
    host: null,
    attempt: 0,
    nextAt: now,
    leaseExpiresAt: there === null ? row.leaseExpiresAt : Math.max(there, row.leaseExpiresAt ?? 0),
    leaseMs: row.leaseMs ?? (there === null ? null : Math.max(60_000, there - now)),
    leaseThere: there,
    leaseNote: null,
  }
}

/** After a database was restored from a backup: the row takes over what its machine says of itself. */
export const adoptSystem = async (deps: ServiceDeps, idOrName: string): Promise<System> => {
  const found = await findSystem(deps.pool, idOrName)
  const vm = await latest(deps, found)
  const now = deps.now()
  return deps.transaction(async tx => {
    const row = (await claimSystem(tx, found.id)) ?? found
    const after = await writeSystem(tx, row, adopted(row, vm, now), { at: now, fenced: true })
    await forgetAlarmsOf(tx, row.id)
    const text = `${row.name} is generation ${vm.owner?.generation}.${vm.owner?.candidate} as its machine says; it was ${row.generation}.${row.candidate}`
    await addNotice(tx, { kind: 'adopted', place: row, system: row.id, ref: vm.ref, text })
    await deps.queue.wake(tx, row.id)
    return systemView(after ?? row)
  })
}
