import { ProviderError, type Accepted, type Action, type ActionKind, type OpIdentity } from '@re-ops/protocols'
import { markKeys, marksOf, noMarks } from '../marks.ts'
import { acting, reading, type DoCall } from './client.ts'
import { unlessGone } from './destroy.ts'
import { isOfOneMachine, machineName, pairOf, secondsOf, suffixIn, tagOf } from './marks.ts'
import { dropletOf, numberOf } from './observe.ts'
import { all } from './pages.ts'
import { sizeSlug } from './words.ts'

export type DoAction = {
  readonly id: number
  readonly status: string
  readonly type: string
  readonly started_at: string
}
type Answer = Promise<{ readonly data: { readonly action: unknown } }>

/** It is as wanted already. */
const isDone = (error: unknown): boolean =>
  error instanceof ProviderError && /already (powered (on|off)|this size)/i.test(error.message)

/** Sends an action; answers what to poll. One at a time: a second one is `busy`. */
const begin = async (
  call: DoCall,
  ref: string,
  signal: AbortSignal,
  send: (api: Parameters<Parameters<DoCall>[2]>[0], droplet_id: number) => Answer,
): Promise<Accepted> => {
  const droplet_id = numberOf(ref)
  try {
    const { action } = await call(acting, signal, api => send(api, droplet_id))
    return { ref, opRef: String((action as DoAction).id) }
  } catch (error) {
    if (isDone(error)) return { ref }
    throw error
  }
}

/** Does what is asked of one machine. All but a reboot come to the same when sent twice. */
export const act = async (call: DoCall, ref: string, action: Action, signal: AbortSignal): Promise<Accepted> => {
  switch (action.kind) {
    case 'start':
      return begin(call, ref, signal, (api, droplet_id) => api.droplet.powerOnDroplet({ droplet_id }))
    case 'stop':
      return begin(call, ref, signal, (api, droplet_id) =>
        action.force ? api.droplet.powerOffDroplet({ droplet_id }) : api.droplet.shutdownDroplet({ droplet_id }),
      )
    case 'reboot':
      return begin(call, ref, signal, (api, droplet_id) =>
        action.force ? api.droplet.powerCycleDroplet({ droplet_id }) : api.droplet.rebootDroplet({ droplet_id }),
      )
    case 'resize': {
      // The disk stays as it is: one that grew could never shrink again.
      const size = sizeSlug(action.size)
      return begin(call, ref, signal, (api, droplet_id) => api.droplet.resizeDroplet({ droplet_id, size, disk: false }))
    }
    case 'rename':
      return rename(call, ref, action.name, signal)
    case 'setTags':
      return setTags(call, ref, action.tags, signal)
    case 'setExpiry':
      return setExpiry(call, ref, action.expiresAt, signal)
    case 'setOwner':
      return action.owner === null ? release(call, ref, signal) : setTags(call, ref, marksOf(action.owner), signal)
    case 'setProtection':
      throw new ProviderError('unsupported', 'not-applied', 'DigitalOcean has no protection of single machines')
  }
}

const there = async (call: DoCall, ref: string, signal: AbortSignal) => {
  const droplet = await dropletOf(call, reading, ref, signal)
  if (droplet === null) throw new ProviderError('not-found', 'not-applied', `there is no droplet ${ref}`)
  return droplet
}

/** The end of the name, which says whose it is, stays. */
const rename = async (call: DoCall, ref: string, wanted: string, signal: AbortSignal): Promise<Accepted> => {
  const droplet = await there(call, ref, signal)
  const name = machineName(wanted, suffixIn(droplet.name) ?? '')
  if (droplet.name === name) return { ref }
  return begin(call, ref, signal, (api, droplet_id) => api.droplet.renameDroplet({ droplet_id, name }))
}

const setTags = async (
  call: DoCall,
  ref: string,
  tags: Readonly<Record<string, string | null>>,
  signal: AbortSignal,
): Promise<Accepted> => {
  const droplet = await there(call, ref, signal)
  const wanted = Object.entries(tags).flatMap(([key, value]) => (value === null ? [] : [tagOf(key, value)]))
  const gone = droplet.tags.filter(tag => pairOf(tag)[0] in tags && !wanted.includes(tag))
  const resources = [{ resource_id: ref, resource_type: 'droplet' }]
  for (const tag_name of wanted.filter(tag => !droplet.tags.includes(tag))) {
    await call(acting, signal, api => api.tag.createTag({ name: tag_name }))
    await call(acting, signal, api => api.tag.tagResources({ tag_name, resources }))
  }
  for (const tag_name of gone) await call(acting, signal, api => api.tag.untagResources({ tag_name, resources }))
  return { ref }
}

/** A tag object of its own; the one before goes, or each renewal would leave one. */
const setExpiry = async (
  call: DoCall,
  ref: string,
  expiresAt: string | null,
  signal: AbortSignal,
): Promise<Accepted> => {
  const before = (await there(call, ref, signal)).tags.filter(tag => pairOf(tag)[0] === markKeys.expiresAt)
  const wanted = expiresAt === null ? null : secondsOf(expiresAt)
  await setTags(call, ref, { [markKeys.expiresAt]: wanted }, signal)
  const gone = before.filter(tag => wanted === null || tag !== tagOf(markKeys.expiresAt, wanted))
  for (const tag_name of gone) await unlessGone(call(acting, signal, api => api.tag.deleteTag({ tag_name })))
  return { ref }
}

/** Tags that several machines carry are taken from this one; tag objects of its own go. */
const release = async (call: DoCall, ref: string, signal: AbortSignal): Promise<Accepted> => {
  const own = (await there(call, ref, signal)).tags.filter(isOfOneMachine)
  await setTags(call, ref, noMarks, signal)
  for (const tag_name of own) await unlessGone(call(acting, signal, api => api.tag.deleteTag({ tag_name })))
  return { ref }
}

/** What the end of an action that did not work means. */
const failureOf = (type: string): ProviderError =>
  type === 'create'
    ? new ProviderError('capacity', 'not-applied', 'DigitalOcean accepted the droplet and could not make it')
    : new ProviderError('transient', 'not-applied', `DigitalOcean accepted ${type} and could not do it`)

export const pollOp = async (
  call: DoCall,
  opRef: string,
  signal: AbortSignal,
): Promise<'running' | 'done' | { failed: ProviderError }> => {
  const action_id = numberOf(opRef)
  const { action } = await call(reading, signal, api => api.action.getAction({ action_id }))
  const { status, type } = action as unknown as DoAction
  if (status === 'in-progress') return 'running'
  return status === 'completed' ? 'done' : { failed: failureOf(type) }
}

const typesOf: Readonly<Record<ActionKind, readonly string[]>> = {
  start: ['power_on'],
  stop: ['shutdown', 'power_off'],
  reboot: ['reboot', 'power_cycle'],
  resize: ['resize'],
  rename: ['rename'],
  setTags: [],
  setProtection: [],
  setExpiry: [],
  setOwner: [],
}
const clockSkewMs = 5_000

/** DigitalOcean keeps what was asked of a droplet: whether this was among it since then. */
export const findOp = async (
  call: DoCall,
  ref: string,
  kind: ActionKind,
  { since }: OpIdentity,
  signal: AbortSignal,
): Promise<{ opRef: string } | 'none' | 'cannot-tell'> => {
  const path = `/droplets/${numberOf(ref)}/actions`
  const actions = await all<DoAction>(call, reading, { path, key: 'actions' }, signal)
  const found = actions
    .filter(one => typesOf[kind].includes(one.type))
    .find(one => Date.parse(one.started_at) >= since.getTime() - clockSkewMs)
  return found === undefined ? 'none' : { opRef: String(found.id) }
}
