import { ProviderError, type AskLease, type Provider, type RenewLease, type System } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import { unleased } from '../jobs/newRow.ts'
import { newOp } from '../providers/op.ts'
import { databaseNow, leasedSystems, leaseIsTold } from '../store/leases.ts'
import type { SystemRow } from '../store/row.ts'
import { systemById, writeSystem, type Changes } from '../store/systems.ts'
import type { ServiceDeps } from './deps.ts'
import { claimLiving } from './find.ts'
import { systemView } from './view.ts'

const refuse = (status: number, kind: string, title: string, detail: string): never => {
  throw new HttpProblem(status, kind, title, detail)
}

/** The lease of a system that is about to be created. `now` is the database's. */
export const firstLease = (
  asked: AskLease | undefined,
  by: string,
  now: number,
): Pick<SystemRow, keyof typeof unleased> => {
  if (asked === undefined) return unleased
  const { forMs, maxLifeMs } = asked
  const leaseMs = forMs ?? maxLifeMs
  if (leaseMs === undefined)
    return refuse(422, 'bad-lease', 'The lease has no length', 'lease has neither forMs nor maxLifeMs; give one')
  if (maxLifeMs !== undefined && leaseMs > maxLifeMs)
    return refuse(
      422,
      'bad-lease',
      'The lease is longer than its life',
      `lease.forMs is ${leaseMs}; allowed below lease.maxLifeMs: ${maxLifeMs}`,
    )
  return {
    ...unleased,
    leaseMs,
    leaseExpiresAt: now + leaseMs,
    leaseMaxAt: maxLifeMs === undefined ? null : now + maxLifeMs,
    leaseOnEnd: asked.onEnd ?? 'destroy',
    leaseBy: by,
  }
}

const listMax = 10_000
/** Systems with a lease, the one that ends first first. */
export const getLeases = async ({ pool }: ServiceDeps): Promise<System[]> =>
  (await leasedSystems(pool, listMax)).map(systemView)

/** Later, never earlier, and never beyond its life. */
const renewed = (row: SystemRow, { forMs, onEnd }: RenewLease, by: string, now: number): Changes => {
  if (row.managed === 'observe')
    return refuse(
      409,
      'observe-only',
      'The system is only observed',
      `${row.name} is only observed, and never ended by itself; allowed: systems policy ${row.name} --manage full first`,
    )
  const leaseMs = forMs ?? row.leaseMs
  if (leaseMs === null)
    return refuse(422, 'no-lease', 'The system has no lease', `${row.name} has no lease; give forMs to begin one`)
  const wanted = Math.min(now + leaseMs, row.leaseMaxAt ?? Infinity)
  return {
    leaseMs,
    leaseExpiresAt: Math.max(wanted, row.leaseExpiresAt ?? 0),
    leaseOnEnd: onEnd ?? row.leaseOnEnd,
    leaseBy: by,
    leaseNote: null,
  }
}

const tellMs = 15_000
/** Whoever tells the machine may die before it has: then the worker does. */
const worksOnAfterMs = 30_000

const provider = async ({ open }: ServiceDeps, row: SystemRow): Promise<Provider> => open(row)

/** Marks the machine before the renewal is confirmed, so that it outlives our database. */
const tell = async (deps: ServiceDeps, row: SystemRow): Promise<void> => {
  const { ref, leaseExpiresAt } = row
  if (ref === null || leaseExpiresAt === null || row.managed === 'observe' || row.leaseThere === leaseExpiresAt) return
  try {
    const at = await provider(deps, row)
    if (!at.caps.actions.includes('setExpiry')) return
    const action = { kind: 'setExpiry', expiresAt: new Date(leaseExpiresAt).toISOString() } as const
    await at.act(ref, action, newOp(deps.now()), AbortSignal.timeout(tellMs))
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    refuse(
      502,
      'lease-not-told',
      'The renewal is not confirmed',
      `${row.name} is kept until ${new Date(leaseExpiresAt).toISOString()}, but its machine could not be marked: ${error.message}; it is tried again`,
    )
  }
  await leaseIsTold(deps.pool, row.id, leaseExpiresAt)
}

/** Renews a lease, or begins one. It wins against an end that was not yet carried out. */
export const renewLease = async (
  deps: ServiceDeps,
  idOrName: string,
  body: RenewLease,
  by: string,
): Promise<System> => {
  const row = await deps.transaction(async tx => {
    const before = await claimLiving(tx, idOrName)
    const changes = renewed(before, body, by, await databaseNow(tx))
    const nextAt = before.nextAt ?? deps.now() + worksOnAfterMs
    const after = await writeSystem(tx, before, { ...changes, nextAt }, { at: deps.now(), fenced: true })
    return after ?? before
  })
  await tell(deps, row)
  return systemView((await systemById(deps.pool, row.id)) ?? row)
}

/** From now on it does not end by itself. */
export const endLease = async (deps: ServiceDeps, idOrName: string): Promise<System> =>
  deps.transaction(async tx => {
    const row = await claimLiving(tx, idOrName)
    const { leaseThere: _, ...none } = unleased
    const after = await writeSystem(tx, row, { ...none, nextAt: deps.now() }, { at: deps.now(), fenced: true })
    await deps.queue.wake(tx, row.id)
    return systemView(after ?? row)
  })
