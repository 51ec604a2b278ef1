import { labelsMax, type Caps, type Labels, type Provider, type ProviderKind, type VerbInput } from '@re-ops/protocols'
import { HttpProblem } from '@re-ops/service'
import type { PoolClient } from 'pg'
import type { SystemRow } from '../store/row.ts'
import { volumeByName } from '../store/wanted-volumes.ts'
import type { Asking } from './ask.ts'
import type { ServiceDeps } from './deps.ts'
import { checkSpec } from './plan.ts'
import { checkForget, checkPolicy, refuseObserved, refuseReloading } from './policy.ts'
import { refuseUnknownSize } from './sizes.ts'
import { ensureSnapshotRow } from './snapshots.ts'
import { refuseTaken } from './room.ts'
import type { AllWords } from '../words/all.ts'
import { WordError } from '../words/layers.ts'
import { meaningOf } from '../words/resolve.ts'
import { openFor } from './where.ts'
import { allWords, wordProblem } from './words.ts'

export const conflict = (kind: string, title: string, detail: string): HttpProblem =>
  new HttpProblem(409, kind, title, detail)
const refused = (kind: string, title: string, detail: string): HttpProblem => new HttpProblem(422, kind, title, detail)

/**
 * Throws HttpProblem where a verb cannot be (a job is made of what can be done only); answers the input as its job
 * keeps it.
 */
export type Check = (tx: PoolClient, row: SystemRow, verb: Asking, input: VerbInput) => Promise<VerbInput>

const refuseIfProtected = (row: SystemRow, verb: Asking): void => {
  if (row.protected && (verb === 'destroy' || verb === 'reload'))
    throw conflict(
      'protected',
      'The system is protected',
      `${row.name} is protected: ${verb} would end its machine; unprotect it first`,
    )
}

const refuseWithoutMachine = (row: SystemRow, verb: Asking): void => {
  if (row.ref === null)
    throw conflict('no-machine', 'There is no machine yet', `${row.name} is ${row.phase}; ${verb} needs its machine`)
}

const actionOf = { reboot: 'reboot', resize: 'resize' } as const
const refuseUnlessOffered = (row: SystemRow, verb: Asking, caps: Caps): void => {
  if (verb === 'snapshot' && caps.snapshot === 'none')
    throw refused('unsupported', 'Not offered', `snapshot of ${row.name}: provider ${row.provider} has no snapshots`)
  if (!(verb in actionOf)) return
  const action = actionOf[verb as keyof typeof actionOf]
  if (!caps.actions.includes(action))
    throw refused(
      'unsupported',
      'Not offered',
      `${verb} of ${row.name}: provider ${row.provider} does not offer it; allowed: ${caps.actions.join(', ')}`,
    )
}

/** What no machine of the provider can be asked, whatever its state. */
const refuseUnlessCapable = ({ name, provider }: SystemRow, verb: Asking, input: VerbInput, caps: Caps): void => {
  if (verb === 'destroy' && caps.given === true)
    throw refused(
      'unsupported',
      'Not offered',
      `destroy of ${name}: machines of provider ${provider} are never ended; allowed: systems forget ${name}`,
    )
  if (verb === 'forget' && !caps.actions.includes('setOwner'))
    throw refused(
      'unsupported',
      'Not offered',
      `${name} cannot be forgotten: a machine of provider ${provider} is always of the re-core that made it; allowed: systems destroy ${name}`,
    )
  const isForced = input.force === true || input.forceAfterSeconds !== undefined
  if (isForced && caps.forced === false)
    throw refused(
      'unsupported',
      'Not offered',
      `${verb} of ${name} with force: nothing takes the power of a machine of provider ${provider} away; allowed: without force`,
    )
}

const refuseUnlessRunning = (row: SystemRow): void => {
  if (row.desired !== 'running')
    throw conflict('not-running', 'The system is not running', `${row.name} is ${row.phase}; start it instead`)
}

const refuseWhileRunning = (row: SystemRow, verb: Asking, may: boolean): void => {
  if (!may && (row.desired !== 'stopped' || row.phase !== 'stopped'))
    throw conflict(
      'running',
      'The system is running',
      `${row.name} is ${row.phase}; on provider ${row.provider} a ${verb} needs it stopped: stop it first`,
    )
}

const checkLabels = (labels: Labels): void => {
  if ('system' in labels)
    throw refused('label-fixed', 'Label is fixed', '/body/labels/system: says which system it is, and cannot be set')
  const count = Object.keys(labels).length
  if (count > labelsMax)
    throw refused('too-many-labels', 'Too many labels', `/body/labels: ${count} labels; allowed: ${labelsMax}`)
}

/** Kept from being deleted until the verb is written down. */
const refuseLeaving = async (tx: PoolClient, row: SystemRow, volume: string): Promise<void> => {
  if ((await volumeByName(tx, row, volume, 'share'))?.leaving === true)
    throw conflict('leaving', 'The volume is being deleted', `volume ${volume} is being deleted`)
}

const checkInput = async (
  tx: PoolClient,
  row: SystemRow,
  input: VerbInput,
  { verb, provider }: { readonly verb: Asking; readonly provider: Provider },
): Promise<VerbInput> => {
  const { caps } = provider
  // How a machine was made that was there before us is not known: its provider says what it refuses.
  const check: typeof checkSpec = row.origin === 'imported' ? () => {} : checkSpec
  if (verb === 'resize') {
    const size = input.size ?? row.size
    check(provider, { ...row, size })
    check(provider, row, undefined, asked => provider.checkResize?.(asked, size))
  }
  if (verb === 'rename' && input.name !== undefined && input.name !== row.name) {
    refuseWhileRunning(row, verb, caps.liveRename || row.ref === null)
    await refuseTaken(tx, [input.name])
    check(provider, { ...row, name: input.name })
  }
  if (verb === 'label') {
    checkLabels(input.labels ?? {})
    check(provider, { ...row, labels: input.labels ?? {} })
  }
  if (verb === 'attach') await refuseLeaving(tx, row, input.volume ?? '')
  if (verb !== 'snapshot') return input
  refuseWhileRunning(row, verb, caps.liveSnapshot)
  const { id: snapshot, name } = await ensureSnapshotRow(tx, row, input.name ?? '')
  return { name, snapshot }
}

const looks: ReadonlySet<Asking> = new Set(['reboot', 'resize', 'rename', 'label', 'snapshot', 'attach', 'detach'])
const needsMachine: ReadonlySet<Asking> = new Set(['reboot', 'resize', 'snapshot', 'attach', 'detach'])

const meant = (words: AllWords, size: string, provider: ProviderKind): string => {
  try {
    return meaningOf(words, 'sizes', { value: size, from: 'given' }, provider).said.value
  } catch (error) {
    if (!(error instanceof WordError)) throw error
    throw wordProblem(error, 'bad-spec', 'A word does not fit')
  }
}

/** What stands in the way of a verb, to `size` if it resizes. Its provider is opened before any row is locked. */
export const makeCheck = async (
  deps: Pick<ServiceDeps, 'open' | 'opener' | 'pool' | 'now' | 'prices'>,
  row: SystemRow,
  verb: Asking,
  size?: string,
): Promise<Check> => {
  const provider = looks.has(verb) && row.phase !== 'gone' ? await openFor(deps, row) : null
  const words = verb === 'resize' ? await allWords(deps.pool) : null
  const isOffered = provider?.caps.actions.includes('resize') === true
  if (words !== null && isOffered && size !== undefined)
    await refuseUnknownSize(deps, row, meant(words, size, row.provider))
  const caps = deps.opener.drivers.get(row.provider)?.caps
  return async (tx, now, _verb, input) => {
    refuseObserved(now, verb)
    if (caps !== undefined) refuseUnlessCapable(now, verb, input, caps)
    refuseIfProtected(now, verb)
    if (verb === 'reload') refuseReloading(now)
    if (verb === 'policy') checkPolicy(now, input.policy ?? {})
    if (verb === 'forget') checkForget(now)
    if (provider === null) return input
    refuseUnlessOffered(now, verb, provider.caps)
    if (verb === 'reboot') refuseUnlessRunning(now)
    if (needsMachine.has(verb)) refuseWithoutMachine(now, verb)
    const { size } = input
    if (words === null || size === undefined) return checkInput(tx, now, input, { verb, provider })
    // A word of ours means what it means at this provider.
    return checkInput(tx, now, { ...input, size: meant(words, size, now.provider) }, { verb, provider })
  }
}
