/** Time of a stand-in, in ms since 1970. What is to happen later happens when somebody looks, in the order of its time. */
export type Clock = {
  now(): number
  /** Does the work once the time has come; `at` is the time it was meant for. */
  at(atMs: number, work: (at: number) => void): void
  /** Does all that is due. A stand-in calls it before it answers anything. */
  settle(): void
}

/** A clock that a test moves. */
export type ManualClock = Clock & { advance(ms: number): void }

type Due = { readonly atMs: number; readonly work: (at: number) => void }

const makeAgenda = () => {
  let agenda: readonly Due[] = []
  return {
    at: (atMs: number, work: Due['work']): void => {
      agenda = [...agenda, { atMs, work }].toSorted((a, b) => a.atMs - b.atMs)
    },
    /** The first that is due by then, taken off. */
    next: (byMs: number): Due | null => {
      const first = agenda[0]
      if (first === undefined || first.atMs > byMs) return null
      agenda = agenda.slice(1)
      return first
    },
  }
}

const run = (agenda: ReturnType<typeof makeAgenda>, byMs: number, before: (atMs: number) => void): void => {
  for (let due = agenda.next(byMs); due !== null; due = agenda.next(byMs)) {
    before(due.atMs)
    due.work(due.atMs)
  }
}

/** The computer's own time. */
export const realClock = (): Clock => {
  const agenda = makeAgenda()
  return { now: Date.now, at: agenda.at, settle: () => run(agenda, Date.now(), () => {}) }
}

/** Stands still until it is moved; while it moves, each due work sees its own time. */
export const manualClock = (startMs = Date.UTC(2026, 0, 1)): ManualClock => {
  const agenda = makeAgenda()
  let nowMs = startMs
  const settle = () => run(agenda, nowMs, () => {})
  return {
    now: () => nowMs,
    at: agenda.at,
    settle,
    advance: ms => {
      if (ms < 0) throw new Error(`a clock does not go back: ${ms} ms`)
      const endMs = nowMs + ms
      run(agenda, endMs, atMs => void (nowMs = Math.max(nowMs, atMs)))
      nowMs = endMs
    },
  }
}
