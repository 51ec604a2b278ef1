import { ProviderError, type Labels, type LabelChanges } from '@re-ops/protocols'
import { MoteError } from '../mote.ts'
import { newOp } from '../providers/op.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import { sameLabels } from './decide-change.ts'
import { written } from './written.ts'

/** What asking again does not mend. */
const hopeless: ReadonlySet<string> = new Set([
  'invalid',
  'unsupported',
  'conflict',
  'not-found',
  'capacity',
  'quota',
  'protected',
  'bug',
])
export const isHopeless = (error: unknown): error is ProviderError =>
  error instanceof ProviderError && error.outcome === 'not-applied' && hopeless.has(error.kind)

const labelChanges = (from: Labels, to: Labels): LabelChanges => ({
  ...Object.fromEntries(Object.keys(from).flatMap(key => (key in to ? [] : [[key, null]]))),
  ...Object.fromEntries(Object.entries(to).filter(([key, value]) => from[key] !== value)),
})

/** Whether the provider shows the labels it was told; it may have others beside them. */
const showsLabels = async ({ row, provider, signal }: Attempt): Promise<boolean> => {
  const seen = await provider.observe(row.ref ?? '', signal)
  if (seen.state !== 'present') return false
  return Object.entries(row.labels).every(([key, value]) => seen.vm.tags[key] === value)
}

/** Its host at re-mote goes by the same name and labels. */
const tellMote = async ({ mote }: Deps, { row, signal }: Attempt, what: object): Promise<string | null> => {
  if (mote === null || row.host === null || Object.keys(what).length === 0) return null
  try {
    await mote.change(row.host, what, signal)
    return null
  } catch (error) {
    if (error instanceof MoteError && error.kind === 'refused') return error.message
    throw error
  }
}

/** Tells the provider the system's name or its labels, sees that it has them, and tells re-mote. */
export const tell = async (deps: Deps, attempt: Attempt, { what }: { what: 'name' | 'labels' }): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const there = { name: row.nameThere ?? row.name, labels: row.labelsThere ?? {} }
  const tags = labelChanges(there.labels, row.labels)
  const action = what === 'name' ? ({ kind: 'rename', name: row.name } as const) : ({ kind: 'setTags', tags } as const)
  await deps.at?.('tell.before', row.id)
  try {
    await provider.act(row.ref ?? '', action, newOp(deps.now()), signal)
  } catch (error) {
    if (!isHopeless(error)) throw error
    const back = what === 'name' ? { name: there.name } : { labels: there.labels }
    return written(deps, attempt, { ...back, verdict: { state: 'failed', why: error.message } })
  }
  await deps.at?.('tell.after', row.id)
  if (what === 'labels' && !sameLabels(row.labels, {}) && !(await showsLabels(attempt)))
    return { kind: 'pause', reason: 'the provider does not show the labels yet' }
  const refused = await tellMote(deps, attempt, what === 'name' ? { name: row.name } : { labels: tags })
  return written(deps, attempt, {
    ...(what === 'name' ? { nameThere: row.name } : { labelsThere: row.labels }),
    ...(refused === null
      ? {}
      : { verdict: { state: 'failed', why: `the machine has it, but not its host: ${refused}` } }),
  })
}

/** Tries, within one job, at a size that could not be given just then, before the machine is started again as it was. */
const resizeTriesMax = 8

/** The stopped machine gets another size; refused, it stays as it is, and is started again like any that should run. */
export const resize = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  await deps.at?.('resize.before', row.id)
  try {
    const action = { kind: 'resize', size: row.wantSize ?? row.size } as const
    const { opRef } = await provider.act(row.ref ?? '', action, newOp(deps.now()), signal)
    await deps.at?.('resize.after', row.id)
    return opRef === undefined ? await resizeOver(deps, attempt, null) : await written(deps, attempt, { opRef })
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    if (!isHopeless(error) && row.attempt < resizeTriesMax) throw error
    return resizeOver(deps, attempt, error.message)
  }
}

/** `why`: it was not done. */
export const resizeOver = (deps: Deps, attempt: Attempt, why: string | null): Promise<Outcome> => {
  const { row } = attempt
  return written(deps, attempt, {
    wantSize: null,
    opRef: null,
    attempt: 0,
    ...(why === null
      ? { size: row.wantSize ?? row.size }
      : { verdict: { state: 'failed', why: `its size stays ${row.size}: ${why}` } }),
  })
}
