import {
  labelKeyPattern,
  ProviderError,
  type ImportSystem,
  type Job,
  type Labels,
  type ObservedVm,
  type Provider,
  type System,
} from '@re-ops/protocols'
import { HttpProblem, once } from '@re-ops/service'
import type { PoolClient } from 'pg'
import { newRow } from '../jobs/newRow.ts'
import { placeName, type PlaceKey } from '../providers/place.ts'
import { lastJob, newJob } from '../store/jobs.ts'
import { addNotice } from '../store/notices.ts'
import type { SystemRow } from '../store/row.ts'
import { holderOf, insertSystem } from '../store/systems.ts'
import type { Asked, ServiceDeps } from './deps.ts'
import { bound } from './extras.ts'
import { firstLease } from './leases.ts'
import { admit } from './room.ts'
import { isNameTaken } from './systems.ts'
import { importable, ownersOf, placesMeant, stateOf } from './unmanaged.ts'
import { jobView, systemView } from './view.ts'
import { conflict } from './verbs.ts'
import { openFor } from './where.ts'

export type Imported = { system: System; job: Job }

const refuse = (status: number, kind: string, title: string, detail: string): never => {
  throw new HttpProblem(status, kind, title, detail)
}

const placeOf = async (deps: ServiceDeps, { account, region }: ImportSystem): Promise<PlaceKey> => {
  const [place] = await placesMeant(deps, { account, region })
  return place ?? refuse(422, 'no-such-account', 'No such account', `account is ${account}`)
}

const look = async (provider: Provider, place: PlaceKey, ref: string): Promise<ObservedVm> => {
  if (!provider.caps.actions.includes('setOwner'))
    return refuse(422, 'unsupported', 'Not offered', `provider ${place.provider} has no machines but those it makes`)
  try {
    const seen = await provider.observe(ref, bound())
    if (seen.state === 'present') return seen.vm
    if (seen.state === 'unknown') throw seen.why
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const status = error.kind === 'invalid' ? 422 : 502
    return refuse(status, `provider-${error.kind}`, 'The provider refuses', `ref ${ref}: ${error.message}`)
  }
  return refuse(404, 'no-such-machine', 'No such machine', `${placeName(place)} shows no machine ${ref}`)
}

const whose = {
  foreign: (vm: ObservedVm) => `it is of another re-core, ${vm.owner?.installation}; forget it there first`,
  stray: () => 'its system has ended, and re-core ends it as well',
} as const

/** Throws HttpProblem 409 for what is somebody's. */
const refuseOwned = async (deps: ServiceDeps, vm: ObservedVm): Promise<void> => {
  const row = (await ownersOf(deps, [vm])).get(vm.owner?.vmId ?? '')
  const state = stateOf(vm, row, deps.installation)
  if (importable.has(state)) return
  const why = state === 'foreign' || state === 'stray' ? whose[state](vm) : `it is the machine of ${row?.name ?? '?'}`
  throw conflict(`machine-${state ?? 'managed'}`, 'The machine is not free', `${vm.ref} cannot be imported: ${why}`)
}

const labelKey = new RegExp(labelKeyPattern)
const labelMax = 256
/** What of its tags can be a label of ours. */
const labelsOf = ({ tags }: ObservedVm): Labels =>
  Object.fromEntries(
    Object.entries(tags).filter(
      ([key, value]) => key !== 'name' && key !== 'system' && labelKey.test(key) && value.length <= labelMax,
    ),
  )

/** The machine as it is, and nothing about how it was made. */
const rowOf = (body: ImportSystem, place: PlaceKey, vm: ObservedVm, now: number): SystemRow => {
  const { name, type = 'plain', labels = {}, managed = 'observe', policy = {} } = body
  const there = labelsOf(vm)
  const spec = { name, ...place, type, size: vm.size, image: vm.image ?? '', labels: { ...there, ...labels } }
  const isOn = vm.power === 'running' || vm.power === 'pending'
  return {
    ...newRow({ ...spec, options: {}, readiness: 'none', protected: vm.protected ?? false }, now),
    origin: 'imported',
    managed,
    fixes: policy.fixes ?? [],
    onLost: policy.onLost ?? 'alert',
    protectedThere: vm.protected ?? false,
    labelsThere: there,
    desired: isOn ? 'running' : 'stopped',
    phase: 'booting',
    phases: [{ name: 'booting', at: new Date(now).toISOString() }],
    ref: vm.ref,
    observed: vm.power,
    observedAt: now,
  }
}

const checkBody = ({ managed = 'observe', policy, lease, labels }: ImportSystem): void => {
  const only = 'allowed with managed full'
  if (managed === 'observe' && (policy?.fixes?.length ?? 0) > 0)
    refuse(422, 'observe-only', 'Nothing is done to it', `policy.fixes is ${policy?.fixes?.join(', ')}; ${only}`)
  if (managed === 'observe' && lease !== undefined)
    refuse(422, 'observe-only', 'Nothing is done to it', `lease is given; ${only}`)
  if (policy?.onLost?.startsWith('recreate') === true)
    refuse(422, 'bad-policy', 'It cannot be made again', `policy.onLost is ${policy.onLost}; allowed: alert, forget`)
  if (labels !== undefined && 'system' in labels)
    refuse(422, 'label-fixed', 'Label is fixed', '/body/labels/system: says which system it is, and cannot be set')
}

/** The same import asked twice is one; another one of the same machine is refused. */
const before = async (tx: PoolClient, place: PlaceKey, { ref, name }: ImportSystem): Promise<Imported | null> => {
  const holder = await holderOf(tx, place, ref)
  if (holder === null) return null
  const job = holder.name === name ? await lastJob(tx, holder.id, 'import') : null
  if (job !== null) return { system: systemView(holder), job: jobView(job) }
  throw conflict('machine-managed', 'The machine is not free', `${ref} is the machine of ${holder.name} already`)
}

/**
 * Takes hold of a machine that is there. The row comes first, with its reference; the worker then writes our marks until
 * they show, so whoever dies in between leaves a row that says what was meant.
 */
export const importSystem = async (deps: ServiceDeps, body: ImportSystem, asked: Asked): Promise<Imported> => {
  checkBody(body)
  const place = await placeOf(deps, body)
  const vm = await look(await openFor(deps, place), place, body.ref)
  const now = deps.now()
  try {
    return await deps.transaction(tx =>
      once(tx, { ...asked, schema: 'core', body }, async () => {
        const known = await before(tx, place, body)
        if (known !== null) return known
        await refuseOwned(deps, vm)
        const room = await admit(tx, { names: [body.name], ...place, subject: asked.subject })
        const lease = firstLease(body.lease, asked.subject, room.now)
        const row = { ...rowOf(body, place, vm, now), ...lease, createdBy: asked.subject }
        const job = newJob(row, 'import', now)
        await insertSystem(tx, row, job)
        const text = `${row.name} is imported by ${asked.subject}: ${row.managed}`
        await addNotice(tx, { kind: 'imported', place, system: row.id, ref: row.ref, text })
        await deps.queue.later(tx, row.id, 0)
        return { system: systemView(row), job: jobView(job) }
      }),
    )
  } catch (error) {
    if (!isNameTaken(error)) throw error
    throw conflict('name-taken', 'A system has that name', `name ${body.name} was just taken; choose another`)
  }
}
