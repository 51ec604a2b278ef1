import type { SystemRow } from '@re-ops/re-core/testing'
import type { Machine } from './stage.ts'

/** What may not be, counted; and in words which ones. */
export type Verdict = {
  readonly orphans: number
  readonly duplicates: number
  readonly lost: number
  readonly unsettled: number
  readonly findings: readonly string[]
}
export const clean: Verdict = { orphans: 0, duplicates: 0, lost: 0, unsettled: 0, findings: [] }

export const sum = (a: Verdict, b: Verdict): Verdict => ({
  orphans: a.orphans + b.orphans,
  duplicates: a.duplicates + b.duplicates,
  lost: a.lost + b.lost,
  unsettled: a.unsettled + b.unsettled,
  findings: [...a.findings, ...b.findings],
})

export type Judged = {
  readonly rows: readonly SystemRow[]
  /** Systems whose verb did not come to its end in time. */
  readonly late: readonly string[]
  readonly machines: readonly Machine[]
  /** The phase all should be in. */
  readonly goal: 'ready' | 'gone'
}

/** Rows against machines once a verb is over: each row its one machine, each machine its row. */
export const judge = ({ rows, late, machines, goal }: Judged): Verdict => {
  const own = (row: SystemRow) => machines.filter(one => one.system === row.id)
  const unsettled = rows.filter(row => late.includes(row.id) || row.phase !== goal)
  const settled = rows.filter(row => !unsettled.includes(row))
  const gone = settled.filter(row => row.phase === 'gone').flatMap(own)
  const nobodys = machines.filter(one => one.system === null || !rows.some(row => row.id === one.system))
  const wanted = settled.filter(row => row.phase !== 'gone')
  const lost = wanted.filter(row => !own(row).some(one => one.ref === row.ref))
  const twins = wanted.flatMap(row => own(row).filter(one => one.ref !== row.ref))
  const words = (what: string, refs: readonly string[]) => refs.map(ref => `${what}: ${ref}`)
  return {
    orphans: gone.length + nobodys.length,
    duplicates: twins.length,
    lost: lost.length,
    unsettled: unsettled.length,
    findings: [
      ...words(
        'orphan',
        [...gone, ...nobodys].map(one => one.ref),
      ),
      ...words(
        'duplicate',
        twins.map(one => one.ref),
      ),
      ...words(
        'lost',
        lost.map(row => `${row.name} ${row.ref}`),
      ),
      ...words(
        'unsettled',
        unsettled.map(row => `${row.name} is ${row.phase}: ${row.reason ?? 'no reason'}`),
      ),
    ],
  }
}
