import type { ObservedVm } from '@re-ops/protocols'
import { isFrozen, syncAlarms, type Alarm } from '../store/alarms.ts'
import { addNotice } from '../store/notices.ts'
import type { SystemRow } from '../store/row.ts'
import type { Sql } from '../store/sql.ts'
import { systemsById } from '../store/systems.ts'
import { isLaterThere } from './decide-lease.ts'
import type { OpenPlace } from './places.ts'

export type SurveyDeps = {
  readonly sql: Sql
  readonly installation: string
  readonly log: { warn(fields: object, text: string): void }
}
export type Owned = { readonly vm: ObservedVm; readonly owner: NonNullable<ObservedVm['owner']> }
/** What a place has of ours, the rows behind it, and whether anything may be ended by itself in its account. */
export type Survey = {
  readonly owned: readonly Owned[]
  readonly rows: ReadonlyMap<string, SystemRow>
  readonly frozen: boolean
}

/** A row never runs behind its machine, unless the database is older than it. */
export const isNewer = (row: SystemRow, { owner }: Owned): boolean =>
  owner.generation > row.generation || (owner.generation === row.generation && owner.candidate > row.candidate)

const advice = 'is the database an old backup? `reops systems adopt` takes the machine as it is'

const alarmOf = (row: SystemRow | undefined, one: Owned): Alarm | null => {
  const { ref } = one.vm
  const system = one.owner.vmId
  if (row === undefined)
    return {
      kind: 'unknown',
      ref,
      system,
      freezes: false,
      text: 'a machine of ours whose system is unknown is left alone; is the database an old backup? end it at its provider if nobody needs it',
    }
  if (isNewer(row, one)) {
    const { generation, candidate } = one.owner
    const text = `the machine of ${row.name} is of generation ${generation}.${candidate}, its row of ${row.generation}.${row.candidate}; ${advice}`
    return { kind: 'newer', ref, system, freezes: true, text }
  }
  if (row.phase !== 'gone' && row.ref === ref && isLaterThere(row, one.vm)) {
    const text = `the machine of ${row.name} has a lease until ${one.vm.expiresAt}, its row until ${new Date(row.leaseExpiresAt ?? 0).toISOString()}; ${advice}`
    return { kind: 'later-lease', ref, system, freezes: true, text }
  }
  return null
}

const tell = async ({ sql, log }: SurveyDeps, { place }: OpenPlace, alarms: readonly Alarm[]): Promise<boolean> => {
  const before = await isFrozen(sql, place)
  for (const { kind, ref, system, text } of await syncAlarms(sql, place, alarms)) {
    log.warn({ ...place, ref, system }, `ALARM: ${text}`)
    await addNotice(sql, {
      kind: kind === 'unknown' ? 'unknown-machine' : 'newer-machine',
      place,
      ref,
      text,
      system,
    })
  }
  const frozen = await isFrozen(sql, place)
  if (frozen === before) return frozen
  const text = frozen
    ? `nothing is ended by itself in account ${place.account} until what is newer there is adopted`
    : `account ${place.account} agrees with our rows again`
  log.warn({ ...place }, frozen ? `ALARM: ${text}` : text)
  await addNotice(sql, { kind: frozen ? 'account-frozen' : 'account-thawed', place, text })
  return frozen
}

/**
 * Lists the place fully (a partial list throws and ends the round), then reads the rows. A mark of another installation
 * is not ours to judge. What is newer than its row means that the database is older than the machines: an alarm, and
 * nothing is ended by itself in that account until a person has looked.
 */
export const survey = async (deps: SurveyDeps, one: OpenPlace, signal: AbortSignal): Promise<Survey> => {
  const owned: Owned[] = []
  for await (const vm of one.provider.list('owned', signal))
    if (vm.owner?.installation === deps.installation) owned.push({ vm, owner: vm.owner })
  const ids = owned.map(({ owner }) => owner.vmId)
  const rows = new Map((await systemsById(deps.sql, ids)).map(row => [row.id, row]))
  const alarms = owned.flatMap(machine => alarmOf(rows.get(machine.owner.vmId), machine) ?? [])
  return { owned, rows, frozen: await tell(deps, one, alarms) }
}
