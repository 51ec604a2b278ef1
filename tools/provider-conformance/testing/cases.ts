import { createCases } from './create-cases.ts'
import { destroyCases } from './destroy-cases.ts'
import { extrasCases } from './extras-cases.ts'
import { listCases } from './list-cases.ts'
import { mishapCases } from './mishap-cases.ts'
import { powerCases } from './power-cases.ts'
import { snapshotCases } from './snapshot-cases.ts'
import type { Case } from './subject.ts'

/** By the numbers of the conformance table (docs/adr/0027); those about jobs and rows are re-core's own tests. */
export const cases: readonly Case[] = [
  ...createCases,
  ...powerCases,
  ...destroyCases,
  ...extrasCases,
  ...snapshotCases,
  ...listCases,
  ...mishapCases,
].toSorted((a, b) => a.n - b.n)
