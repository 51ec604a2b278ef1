import type { Action } from '@re-ops/protocols'
import { identityOf } from '../providers/identity.ts'
import { newOp } from '../providers/op.ts'
import type { Changes } from '../store/systems.ts'
import type { SystemRow } from '../store/row.ts'
import type { Attempt, Deps, Outcome } from './attempt.ts'
import type { Step } from './decide.ts'
import { driftOf, labelFix } from './drift.ts'
import { written } from './written.ts'

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>

const act = async (deps: Deps, { row, provider, signal }: Attempt, action: Action): Promise<void> => {
  await deps.at?.(`${action.kind}.before`, row.id)
  await provider.act(row.ref ?? '', action, newOp(deps.now()), signal)
  await deps.at?.(`${action.kind}.after`, row.id)
}

/** Writes whose the machine is, or takes that off, and looks whether it shows; whoever comes next does it again if not. */
export const mark = async (deps: Deps, attempt: Attempt, isOurs: boolean): Promise<Outcome> => {
  const { row, provider, signal } = attempt
  const owner = isOurs ? identityOf(deps.installation, row.id, row.generation, row.candidate) : null
  await act(deps, attempt, { kind: 'setOwner', owner })
  const seen = await provider.observe(row.ref ?? '', signal)
  const shows = seen.state === 'present' && seen.vm.owner?.vmId === row.id
  if (seen.state === 'unknown') return { kind: 'pause', reason: seen.why.message }
  if (seen.state === 'present' && shows !== isOurs)
    return { kind: 'pause', reason: `the provider does not show ${isOurs ? 'our marks' : 'that they are off'} yet` }
  return written(deps, attempt, { attempt: 0 })
}

/** Puts right what somebody changed at the machine, and looks again after a pause. */
export const fix = async (deps: Deps, attempt: Attempt, { field }: Of<'fix'>): Promise<Outcome> => {
  const { row, seen, provider } = attempt
  if (seen.instance?.state !== 'present') return { kind: 'pause', reason: 'its machine is looked at again' }
  const tags = labelFix(driftOf(row, seen.instance.vm, provider, deps.now()))
  const action: Action =
    field === 'labels' ? { kind: 'setTags', tags: tags ?? {} } : { kind: 'setProtection', protected: row.protected }
  await act(deps, attempt, action)
  return { kind: 'pause', reason: `its ${field} were changed by somebody and are put right`, changes: attempt.pending }
}

const words = {
  recreate: 'the next one is made',
  'recreate-on-demand': 'the next one is made, on demand',
  forget: 'the system ends',
} as const
/** What was on its volumes is not for a rule to end. */
const ending: Changes = { desired: 'absent', keepVolumes: true }
const frozenMs = 60_000
const onDemand = ({ options }: SystemRow): Changes => ({ options: { ...options, market: 'on-demand' } })

/** The next life, or the end of the system, without being asked; not in an account that is newer than our rows. */
export const afterLoss = async (deps: Deps, attempt: Attempt, { next, why }: Of<'lost'>): Promise<Outcome> => {
  const { row, pending } = attempt
  if (await deps.store.isFrozen(row)) {
    const reason = `${why}; account ${row.account} is frozen: reops accounts says why`
    return { kind: 'pause', reason, afterMs: frozenMs }
  }
  const text = `${row.name}: ${why}; ${words[next]}`
  const bought = next === 'recreate-on-demand' && row.options.market === 'spot' ? onDemand(row) : {}
  const life = { wantGeneration: row.generation + 1, missingAt: null, restarts: 0, attempt: 0, ...bought }
  const [verb, changes] = next === 'forget' ? (['forget', ending] as const) : (['reload', life] as const)
  const written = await deps.store.goOn(row, { ...pending, ...changes }, { verb, text }, deps.now())
  return written === null ? { kind: 'fenced' } : { kind: 'go', row: written, seen: {} }
}
