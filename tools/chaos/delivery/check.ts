import type { AgentFiles } from '../../simulator/index.ts'
import { journalFacts, type JournalFacts, type JournalLine } from '../foundation/journals.ts'
import { makeFindings } from '../foundation/findings.ts'
import type { Stored, StoredCall } from './rows.ts'

export type Verdict = {
  readonly targets: number
  readonly ok: number
  readonly notTerminal: number
  /** Runs whose counts are not those of their targets. */
  readonly miscounted: number
  readonly doubleStarts: number
  readonly finishedMissing: number
  /** Calls that Postgres says were never started, and were. */
  readonly startedUnreachable: number
  readonly lost: number
  readonly lostUnexplained: number
  readonly findings: readonly string[]
}

/** The operation that may be done twice. */
const readsOnly = 'ping'
type Calls = ReadonlyMap<string, StoredCall>

/** Holds what every agent wrote against what Postgres says. */
export const check = (stored: Stored, agents: readonly AgentFiles[]): Verdict => {
  const { find, findings } = makeFindings()
  const byHost = Map.groupBy(stored.calls, call => call.name)
  const counts = { doubleStarts: 0, finishedMissing: 0, startedUnreachable: 0, lostUnexplained: 0 }
  for (const agent of agents) {
    const lines = agent.lines()
    const facts = journalFacts(lines)
    const calls = byHost.get(agent.name) ?? []
    const byId = new Map(calls.map(call => [call.id, call]))
    const note = (sort: keyof typeof counts, detail: string) => {
      counts[sort] += 1
      find(sort, `${agent.name} ${detail}`)
    }
    for (const what of startedTwice(lines, facts, byId)) note('doubleStarts', what)
    for (const [id, state] of facts.ends)
      if (!hasArrived(byId.get(id), state)) note('finishedMissing', `${id} ended ${state}, ${wordsOf(byId.get(id))}`)
    for (const call of calls) {
      if (call.state === 'unreachable' && facts.starts.has(call.id)) note('startedUnreachable', call.id)
      if (call.state === 'lost' && !isExplained(call, facts)) note('lostUnexplained', `${call.id}, ${wordsOf(call)}`)
    }
  }
  for (const { run, name, state, ended } of stored.targets)
    if (!ended) find('notTerminal', `${name} in ${run} is ${state}`)
  for (const { id } of stored.miscounted) find('miscounted', id)
  return {
    targets: stored.targets.length,
    ok: stored.targets.filter(({ ended, state }) => ended && state === 'ok').length,
    notTerminal: stored.targets.filter(({ ended }) => !ended).length + stored.openRuns,
    miscounted: stored.miscounted.length,
    ...counts,
    lost: stored.calls.filter(({ state }) => state === 'lost').length,
    findings,
  }
}

/** The same id twice; or, of what must not be done twice, the call of one target of a run under two ids. */
const startedTwice = (lines: readonly JournalLine[], { starts }: JournalFacts, byId: Calls): string[] => {
  const ids = [...starts].filter(([, times]) => times > 1).map(([id, times]) => `${id}, ${times} times`)
  const acting = new Set(lines.flatMap(line => (line.t === 'start' && line.op !== readsOnly ? [line.id] : [])))
  const ofRuns = Map.groupBy(acting, id => byId.get(id)?.run)
  const runs = [...ofRuns].filter(([run, same]) => run !== undefined && same.length > 1)
  return [...ids, ...runs.map(([run, same]) => `${run} under ${same.join(', ')}`)]
}

/** What an agent finished is in Postgres: as the call's end, or beside another end. What it lost itself is not its result. */
const hasArrived = (call: StoredCall | undefined, state: string): boolean =>
  call !== undefined && (call.state === state || call.late)

/**
 * Facts that make a call lost: its agent died with it; the agent never started it and declared it void; or it finished, and
 * its result came after we had given it up.
 */
const isExplained = ({ id, late }: StoredCall, { diedWith, voids, ends }: JournalFacts): boolean =>
  diedWith.has(id) || voids.has(id) || (late && ends.has(id))

const wordsOf = (call: StoredCall | undefined): string =>
  call === undefined ? 'unknown to Postgres' : `in Postgres ${call.state ?? 'open'} ${call.failure?.message ?? ''}`
