import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What one agent wrote of itself, in order. */
export type JournalLine =
  | { t: 'boot'; boot: string; at: number }
  | { t: 'start'; id: string; op: string; at: number }
  | { t: 'end'; id: string; state: string }
  | { t: 'settled' | 'void' | 'lost'; id: string }

/** Every line of every segment; a last line cut by a kill is not a line. */
export const readJournal = (folder: string): JournalLine[] =>
  readdirSync(join(folder, 'journal'))
    .filter(name => name.endsWith('.ndjson'))
    .toSorted()
    .flatMap(name => readFileSync(join(folder, 'journal', name), 'utf8').split('\n'))
    .flatMap(line => {
      try {
        return [JSON.parse(line) as JournalLine]
      } catch {
        return [] // empty, or torn by the kill that this test is about
      }
    })

export type JournalFacts = {
  /** Call id -> how often it was started. */
  starts: Map<string, number>
  /** Call id -> terminal state, of the calls that finished. */
  ends: Map<string, string>
  /** Calls that were running when the agent's process ended: a boot follows their start, without an end between. */
  diedWith: Set<string>
  /** Calls that the agent has declared void: it never started them and never will. */
  voids: Set<string>
  boots: number
}

export const journalFacts = (lines: readonly JournalLine[]): JournalFacts => {
  const facts: JournalFacts = { starts: new Map(), ends: new Map(), diedWith: new Set(), voids: new Set(), boots: 0 }
  const running = new Set<string>()
  for (const line of lines)
    switch (line.t) {
      case 'boot':
        facts.boots += 1
        for (const id of running) facts.diedWith.add(id)
        running.clear()
        break
      case 'start':
        facts.starts.set(line.id, (facts.starts.get(line.id) ?? 0) + 1)
        running.add(line.id)
        break
      case 'end':
        facts.ends.set(line.id, line.state)
        running.delete(line.id)
        break
      case 'void':
        facts.voids.add(line.id)
        break
      default:
        break
    }
  return facts
}
