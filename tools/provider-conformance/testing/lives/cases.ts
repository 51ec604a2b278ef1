import { capacityCase } from './capacity-case.ts'
import { deathCase } from './death-case.ts'
import { driftCases } from './drift-cases.ts'
import { jobCases } from './job-cases.ts'
import { leaseCases } from './lease-cases.ts'
import { neverLocal } from './never-local.ts'
import { partialCase } from './partial-case.ts'
import { placesCase } from './places-case.ts'
import { powerCase } from './power-case.ts'
import { postgresCase } from './postgres-case.ts'
import { reaperCases } from './reaper-cases.ts'
import { stormCase } from './storm-case.ts'
import { volumeCases } from './volume-case.ts'

/** That need many machines at once. */
export const crowdCases = [stormCase]
export const lifeCases = [
  ...reaperCases,
  ...leaseCases,
  ...jobCases,
  partialCase,
  placesCase,
  postgresCase,
  powerCase,
  capacityCase,
  deathCase,
  ...volumeCases,
  ...neverLocal,
  ...driftCases,
]
