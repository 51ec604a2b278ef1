import { Id } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Check } from 'typebox/value'
import { openSegments, type Segments } from './segments.ts'

/** One line of the journal. `open` and `closed` are what compaction keeps of `start` and of ended calls. */
export const JournalRecord = Type.Union([
  Type.Object({ t: Type.Literal('boot'), boot: Id, at: Type.Number() }),
  Type.Object({ t: Type.Literal('counter'), n: Type.Integer() }),
  Type.Object({ t: Type.Literal('start'), id: Id, op: Type.String(), at: Type.Number() }),
  Type.Object({ t: Type.Literal('spawn'), id: Id, pid: Type.Integer(), since: Type.String() }),
  Type.Object({ t: Type.Literal('end'), id: Id, state: Type.String() }),
  Type.Object({ t: Type.Enum(['settled', 'void', 'lost']), id: Id }),
  Type.Object({ t: Type.Literal('open'), id: Id, op: Type.String(), ended: Type.Boolean() }),
  Type.Object({ t: Type.Literal('closed'), state: Type.Enum(['settled', 'void']), ids: Type.Array(Id) }),
])
export type JournalRecord = Static<typeof JournalRecord>

/** A process that was started for a call; `since` is its start time as the kernel counts it, so a reused pid is told apart. */
export type Spawned = { readonly pid: number; readonly since: string }
/** What the journal knows of a call id. `open`: started, no result yet; `ended`: its result is in the ring. */
export type CallState =
  | { readonly state: 'open' | 'ended'; readonly op: string; readonly spawned: Spawned | null }
  | { readonly state: 'settled' | 'void' }

export type Journal = {
  of(id: Id): CallState | undefined
  unsettled(): readonly (readonly [Id, Extract<CallState, { op: string }>])[]
  append(record: JournalRecord): void
  /** The same for what the ring, or the broker asked again, tells as well: it reaches the disk a little later. */
  appendLazily(record: JournalRecord): void
  /** Everything appended survives our death from now on. */
  flush(): void
  /** Resolves when everything appended so far is on disk. */
  synced(): Promise<void>
  /** Number of records ever written. It never goes down, across restarts and compaction, as long as the disk is ours. */
  counter(): number
  /** Lines at start that were not records: a damaged disk. */
  readonly damaged: number
  close(): void
}

/** How many ids of ended calls are remembered, so that a late duplicate is not done again. */
const closedIdsMax = 50_000
const closedSegmentsMax = 3
const idsPerLine = 500

const opened = (op: string, spawned: Spawned | null = null): CallState => ({ state: 'open', op, spawned })

/** Made once: of ended calls there are many. */
const closedStates = { settled: { state: 'settled' }, void: { state: 'void' } } as const

const apply = (calls: Map<Id, CallState>, record: JournalRecord): void => {
  // Keeps its place: those that began first are forgotten first. Moved to the end, each would leave a hole, and the map be made anew again and again.
  const close = (id: Id, state: 'settled' | 'void') => calls.set(id, closedStates[state])
  switch (record.t) {
    case 'start':
      calls.set(record.id, opened(record.op))
      break
    case 'open':
      calls.set(record.id, { state: record.ended ? 'ended' : 'open', op: record.op, spawned: null })
      break
    case 'spawn':
    case 'end':
    case 'lost': {
      const known = calls.get(record.id)
      if (!known || !('op' in known)) break
      if (record.t === 'spawn') calls.set(record.id, opened(known.op, { pid: record.pid, since: record.since }))
      else calls.set(record.id, { ...known, state: 'ended' })
      break
    }
    case 'settled':
    case 'void':
      close(record.id, record.t)
      break
    case 'closed':
      for (const id of record.ids) close(id, record.state)
  }
}

const parse = (line: string): JournalRecord | null => {
  try {
    const record: unknown = JSON.parse(line)
    return Check(JournalRecord, record) ? record : null
  } catch {
    return null // counted by the caller
  }
}

/** Forgets the oldest ended calls above the limit. */
const trim = (calls: Map<Id, CallState>): void => {
  let over = calls.size - closedIdsMax
  for (const [id, { state }] of calls) {
    if (over <= 0) return
    if (state !== 'settled' && state !== 'void') continue
    calls.delete(id)
    over -= 1
  }
}

/** The state of all calls in few lines. */
const compacted = (calls: Map<Id, CallState>): JournalRecord[] => {
  const lines: JournalRecord[] = []
  for (const state of ['settled', 'void'] as const) {
    const ids = [...calls].flatMap(([id, call]) => (call.state === state ? [id] : []))
    for (let at = 0; at < ids.length; at += idsPerLine)
      lines.push({ t: 'closed', state, ids: ids.slice(at, at + idsPerLine) })
  }
  for (const [id, call] of calls) {
    if (!('op' in call)) continue
    lines.push({ t: 'open', id, op: call.op, ended: call.state === 'ended' })
    if (call.spawned && call.state === 'open') lines.push({ t: 'spawn', id, ...call.spawned })
  }
  return lines
}

/**
 * Opens the journal of started calls. `keep: false` keeps it in memory alone (the proof kit's seeded bug).
 * Compaction appends the state of all calls and then removes the older segments, so at every moment the files that are
 * there tell the whole state.
 */
export const openJournal = (options: {
  folder: string
  segmentBytesMax: number
  keep: boolean
  onRecord?: ((record: JournalRecord) => void) | undefined
}): Journal => {
  const calls = new Map<Id, CallState>()
  let counter = 0
  let damaged = 0
  const onLine = (line: string): void => {
    const record = parse(line)
    if (!record) damaged += 1
    else if (record.t === 'counter') counter = Math.max(counter, record.n)
    else {
      counter += 1
      apply(calls, record)
    }
  }
  const header = (): string => JSON.stringify({ t: 'counter', n: counter })
  const segments: Segments | null = options.keep ? openSegments({ ...options, onLine, header }) : null
  trim(calls)

  const write = (record: JournalRecord): void => {
    segments?.append(JSON.stringify(record))
    counter += 1
  }
  const took = (record: JournalRecord): void => {
    apply(calls, record)
    options.onRecord?.(record)
    compact()
  }
  const compact = (): void => {
    if (!segments || segments.closedCount() <= closedSegmentsMax) return
    trim(calls)
    segments.rotate()
    const old = segments.closed()
    for (const record of compacted(calls)) write(record)
    segments.rotate() // syncs what was just written before the older segments go
    for (const segment of old) segments.remove(segment)
  }
  return {
    of: id => calls.get(id),
    unsettled: () => [...calls].flatMap(([id, call]) => ('op' in call ? [[id, call] as const] : [])),
    append: record => {
      write(record)
      took(record)
    },
    appendLazily: record => {
      segments?.appendLazily(JSON.stringify(record))
      counter += 1
      took(record)
    },
    flush: () => segments?.flush(),
    synced: () => segments?.synced() ?? Promise.resolve(),
    counter: () => counter,
    damaged,
    close: () => segments?.close(),
  }
}
