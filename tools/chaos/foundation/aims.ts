import { setTimeout as wait } from 'node:timers/promises'
import type { WindowPoint } from '@re-ops/service'
import type { Awake } from './awake.ts'
import { livingParts, type Part, type PartKind } from './parts.ts'
import { childrenByParent } from './processes.ts'
import type { Random } from './random.ts'
import { openWindow } from './windows.ts'

/** A moment that a kill is aimed at: a window that is held open, or a call that an agent runs. */
export type Aim = { readonly kind: PartKind; readonly at: WindowPoint | 'call' }

/** In this order, again and again; the moments where the seeded bugs do harm come most often. */
export const aims: readonly Aim[] = [
  { kind: 're-mote', at: 'commit' },
  { kind: 're-core', at: 'create.answered' },
  { kind: 'agent', at: 'call' },
  { kind: 're-core', at: 'create.answered' },
  { kind: 're-mote', at: 'commit' },
  { kind: 'agent', at: 'call' },
  { kind: 're-core', at: 'create.sent' },
  { kind: 're-core', at: 'destroy.after' },
]

/** Often enough for a window; looking through all processes for a call costs more. */
const lookEveryMs = { window: 20, call: 100 } as const
/** A call that has run for so long has been acknowledged. */
const calledForMs = 60
/** Of a window, before the kill: what follows from the first of the two steps has happened by then. */
const share = [40, 75] as const

type Moment = {
  readonly state: string
  readonly hosts: readonly string[]
  readonly random: Random
  readonly awake: Awake
}

const inWindow = async ({ state, random }: Moment, point: WindowPoint): Promise<Part | null> => {
  const open = openWindow(state, point)
  if (open === null) return null
  const at = open.openedAt + (open.ms * random.between(...share)) / 100
  await wait(Math.max(0, at - Date.now()))
  const same = openWindow(state, point)?.openedAt === open.openedAt
  return same ? { kind: point === 'commit' ? 're-mote' : 're-core', pid: open.pid } : null
}

const inCall = async ({ state, hosts, random }: Moment): Promise<Part | null> => {
  const agents = livingParts(state).filter(({ kind, host }) => kind === 'agent' && hosts.includes(host ?? ''))
  const before = childrenByParent()
  const calling = agents.filter(({ pid }) => before.has(pid))
  if (calling.length === 0) return null
  const part = random.pick(calling)
  await wait(calledForMs)
  const left = childrenByParent().get(part.pid) ?? []
  return before.get(part.pid)?.some(pid => left.includes(pid)) ? part : null
}

/** Waits for the moment and answers whom to kill in it, at once; null when it does not come within `withinMs`. */
export const takeAim = async (moment: Moment, { at }: Aim, withinMs: number): Promise<Part | null> => {
  const until = moment.awake.now() + withinMs
  while (moment.awake.now() < until) {
    const part = at === 'call' ? await inCall(moment) : await inWindow(moment, at)
    if (part !== null) return part
    await wait(lookEveryMs[at === 'call' ? 'call' : 'window'])
  }
  return null
}
