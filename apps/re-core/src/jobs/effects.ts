import { ProviderError, type Observation } from '@re-ops/protocols'
import { MoteError } from '../mote.ts'
import { identityOf } from '../providers/identity.ts'
import { destroyAll, newOp } from '../providers/op.ts'
import type { SystemRow } from '../store/row.ts'
import { unborn, type Attempt, type Deps, type Outcome } from './attempt.ts'
import type { Step } from './decide.ts'
import { isShown } from './decide-stray.ts'
import { asProvided, asTold, changedAddresses } from './addresses.ts'
import { isSince } from './decide-power.ts'
import { isFixed } from './drift.ts'
import { afterLoss, fix, mark } from './effects-policy.ts'
import { isParking, park } from './park.ts'
import { written } from './written.ts'
import { besideOver, endVolume, keepVolumes, putBeside } from './effects-beside.ts'
import { resize, resizeOver, tell } from './effects-change.ts'
import { endOp, lookAtOp, sendOp, unsendOp } from './effects-op.ts'
import { freeze, noMote, register } from './freeze.ts'
import { setExpiry } from './lease-effects.ts'
import { send } from './send.ts'

type Of<K extends Step['kind']> = Extract<Step, { kind: K }>

const identity = (deps: Deps, row: SystemRow) => identityOf(deps.installation, row.id, row.generation, row.candidate)

const observe = async ({ row, signal, provider }: Attempt): Promise<Observation> => {
  try {
    return await provider.observe(row.ref ?? '', signal)
  } catch (error) {
    const why = error instanceof ProviderError ? error : new ProviderError('bug', 'unknown', (error as Error).message)
    return { state: 'unknown', why }
  }
}

const look = async (deps: Deps, attempt: Attempt, { at }: Of<'look'>): Promise<Outcome> => {
  const { row, signal, pending, provider } = attempt
  if (at === 'host') {
    if (deps.mote === null) return { kind: 'pause', reason: noMote }
    const host = await deps.mote.hostOf(row.id, row.generation, signal)
    const told = changedAddresses(
      row.addresses,
      asTold(pending.addresses ?? row.addresses, host?.addresses ?? [], provider.caps),
    )
    return { kind: 'go', row, pending: { ...pending, ...told }, seen: { host } }
  }
  if (at === 'last-life') {
    const calledHome = await calledHomeSince(deps, attempt)
    return { kind: 'go', row, pending, seen: { calledHome } }
  }
  if (at === 'volumes') return { kind: 'go', row, pending, seen: { volumes: await deps.store.volumes.of(row) } }
  if (at === 'op' || at === 'history' || at === 'progress') return lookAtOp(deps, attempt, at)
  if (at === 'identity') {
    const found = await provider.findByIdentity(identity(deps, row), signal)
    return { kind: 'go', row, pending, seen: { found } }
  }
  const instance = await observe(attempt)
  const observed = instance.state === 'present' ? instance.vm.power : instance.state
  const shown = instance.state === 'present' && row.missingAt !== null ? { missingAt: null } : {}
  const found = { ...shown, ...foundAddresses(row, instance), observed, observedAt: deps.now() }
  return { kind: 'go', row, seen: { instance }, pending: { ...pending, ...found } }
}

const foundAddresses = ({ addresses }: SystemRow, instance: Observation) =>
  instance.state === 'present' ? changedAddresses(addresses, asProvided(addresses, instance.vm)) : {}

/** A machine is started again whether re-mote can be asked or not: what cannot be known now counts as no. */
const calledHomeSince = async ({ mote }: Deps, { row, signal }: Attempt): Promise<boolean> => {
  try {
    const host = mote === null ? null : await mote.hostOf(row.id, row.generation, signal)
    return host !== null && isSince(host.seenAt, row)
  } catch (error) {
    if (error instanceof MoteError) return false
    throw error
  }
}

const destroy = async (deps: Deps, attempt: Attempt, { of, ref }: Of<'destroy'>): Promise<Outcome> => {
  const { row, signal, provider } = attempt
  await deps.at?.('destroy.before', row.id)
  const plan = provider.volumes === undefined ? destroyAll : { keep: await deps.store.keptVolumes(row) }
  await provider.destroy(ref ?? identity(deps, row).uuid, plan, signal)
  await deps.at?.('destroy.after', row.id)
  if (of === 'sighting' && ref !== null) {
    const sighting = attempt.seen.sightings.find(one => one.ref === ref)
    await (isShown(sighting, provider.caps) ? deps.store.forgetSighting : deps.store.sightingDestroyed)(row, ref)
    return { kind: 'go', row, pending: attempt.pending, seen: { sightings: await deps.store.sightings(row.id) } }
  }
  return written(deps, attempt, { destroyedAt: deps.now(), observed: 'absent', observedAt: deps.now() })
}

const act = async (deps: Deps, attempt: Attempt, step: Of<'start' | 'stop'>): Promise<Outcome> => {
  const { row, signal, provider } = attempt
  const { kind } = step
  await deps.at?.(`${kind}.before`, row.id)
  // Its agent may call home before we have written that it boots: the phase begins when the start is asked for.
  const askedAt = Math.max(deps.now(), row.phaseAt)
  await provider.act(row.ref ?? '', step, newOp(askedAt), signal)
  await deps.at?.(`${kind}.after`, row.id)
  if (kind === 'stop') return written(deps, attempt, { stopSentAt: askedAt })
  const restarts = row.downAt === null ? row.restarts : row.restarts + 1
  return written(deps, attempt, { phase: 'booting', reason: null, downAt: null, restarts }, askedAt)
}

const protect = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, signal, provider } = attempt
  await deps.at?.('protect.before', row.id)
  const action = { kind: 'setProtection', protected: row.protected } as const
  await provider.act(row.ref ?? '', action, newOp(deps.now()), signal)
  await deps.at?.('protect.after', row.id)
  return written(deps, attempt, { protectedThere: row.protected })
}

const revoke = async (deps: Deps, attempt: Attempt): Promise<Outcome> => {
  const { row, signal } = attempt
  if (deps.mote === null) return { kind: 'pause', reason: `${noMote}; its identity there must be revoked first` }
  await deps.mote.revoke(row.id, row.generation, signal)
  await deps.at?.('revoke.after', row.id)
  return written(deps, attempt, { revokedAt: deps.now() })
}

const adopt = async (deps: Deps, { row, pending }: Attempt, { ref }: Of<'adopt'>): Promise<Outcome> => {
  const saved = await deps.store.saveRef(row, ref, deps.now())
  if (saved === null || saved.leaseEpoch !== row.leaseEpoch) return { kind: 'fenced' }
  await deps.store.forgetSighting(row, ref)
  return { kind: 'go', row: saved, pending, seen: { sightings: await deps.store.sightings(row.id) } }
}

const enter = (deps: Deps, attempt: Attempt, step: Of<'enter'>): Promise<Outcome> => {
  const at = Math.min(deps.now(), Math.max(step.at ?? deps.now(), attempt.row.phaseAt))
  return written(deps, attempt, { phase: step.phase, reason: null, ...(step.host ? { host: step.host } : {}) }, at)
}

const note = (deps: Deps, attempt: Attempt, { what, restarts }: Of<'note'>): Promise<Outcome> =>
  what === 'missing'
    ? written(deps, attempt, { missingAt: deps.now() })
    : written(deps, attempt, {
        downAt: deps.now(),
        // Of one that is left as it is found, `stopped` means that somebody stopped it, not that it died on its way.
        ...(isFixed(attempt.row, 'power') || attempt.row.phase === 'ready' ? { phase: 'stopped' } : {}),
        ...(restarts === undefined ? {} : { restarts }),
      })

const nextLife = (deps: Deps, attempt: Attempt, step: Of<'next-generation' | 'next-candidate'>): Promise<Outcome> => {
  const { row } = attempt
  return step.kind === 'next-candidate'
    ? written(deps, attempt, { ...unborn, phase: 'planned', candidate: row.candidate + 1 })
    : written(deps, attempt, {
        ...unborn,
        phase: 'planned',
        reason: null,
        generation: row.wantGeneration,
        candidate: 0,
        revokedAt: null,
        attempt: 0,
        restarts: 0,
        createCalledAt: null,
        readyAfterMs: null,
      })
}

/** Does one step. What providers and re-mote refuse becomes a pause with their words as the reason. */
export const perform = async (
  deps: Deps,
  attempt: Attempt,
  step: Exclude<Step, Of<'wait' | 'settled'>>,
): Promise<Outcome> => {
  try {
    switch (step.kind) {
      case 'look':
        return await look(deps, attempt, step)
      case 'freeze':
        return await freeze(deps, attempt)
      case 'register':
        return await register(deps, attempt)
      case 'create':
        return await send(deps, attempt)
      case 'adopt':
        return await adopt(deps, attempt, step)
      case 'start':
      case 'stop':
        return await act(deps, attempt, step)
      case 'tell':
        return await tell(deps, attempt, step)
      case 'resize':
        return await resize(deps, attempt)
      case 'resize-over':
        return await resizeOver(deps, attempt, step.why)
      case 'beside':
        return await putBeside(deps, attempt)
      case 'beside-over':
        return await besideOver(deps, attempt, step.why)
      case 'end-volume':
        return await endVolume(deps, attempt, step.volume)
      case 'keep-volumes':
        return await keepVolumes(deps, attempt)
      case 'op':
        return await sendOp(deps, attempt)
      case 'op-unsent':
        return await unsendOp(deps, attempt)
      case 'op-over':
        return await endOp(deps, attempt, step.end)
      case 'protect':
        return await protect(deps, attempt)
      case 'mark':
      case 'unmark':
        return await mark(deps, attempt, step.kind === 'mark')
      case 'fix':
        return await fix(deps, attempt, step)
      case 'lost':
        return await afterLoss(deps, attempt, step)
      case 'set-expiry':
        return await setExpiry(deps, attempt)
      case 'destroy':
        return await destroy(deps, attempt, step)
      case 'revoke':
        return await revoke(deps, attempt)
      case 'note':
        return await note(deps, attempt, step)
      case 'enter':
        return await enter(deps, attempt, step)
      case 'next-candidate':
      case 'next-generation':
        return await nextLife(deps, attempt, step)
    }
  } catch (error) {
    if (error instanceof MoteError) return { kind: 'pause', reason: error.message }
    if (error instanceof ProviderError) {
      if (isParking(error)) return await park(deps, attempt.row, error)
      const afterMs = error.retryAfterMs
      return { kind: 'pause', reason: error.message, ...(afterMs === undefined ? {} : { afterMs }) }
    }
    throw error
  }
}
