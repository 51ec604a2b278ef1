import { localCaps } from '@re-ops/re-core/testing'
import type { LifeCase } from './describe-lives.ts'

const shownElsewhere = { letters: '', run: async () => {} } as const

/** Other tests show them for all others; of this computer it is said why they are not for it. */
export const neverLocal: readonly LifeCase[] = [
  {
    ...shownElsewhere,
    ns: [29],
    title: 'what the provider says of its limits holds for all workers',
    skips: { L: 'processes of this computer have no API with limits' },
  },
  {
    ...shownElsewhere,
    ns: [33],
    title: 'a create that was accepted fails later',
    skips: { L: 'a process is there when its create answers: nothing is accepted first and made later' },
  },
  {
    ...shownElsewhere,
    ns: [34],
    title: 'what was bought as spot is taken back',
    // Once it can, no test shows it, and the matrix says so.
    skips: localCaps.spot ? {} : { L: 'spot: false; nobody takes a process of this computer back' },
  },
]
