import { Type, type Static } from 'typebox'
import { Id } from './ids.ts'
import { ProviderKind } from './system.ts'

const Amount = Type.Union([Type.Number(), Type.Null()])
/** What one machine costs, in US dollars before taxes; null where no price is known, and `why` says so. */
export const Cost = Type.Object({
  /** While it runs. */
  hourly: Amount,
  /** While it is stopped: its disks, or all of it where the provider bills what is stopped. */
  hourlyStopped: Amount,
  /** 730 hours of running. */
  monthly: Amount,
  parts: Type.Array(
    Type.Object({
      what: Type.String(),
      hourly: Type.Number(),
      whenStopped: Type.Boolean({ description: 'also while the machine is stopped' }),
    }),
  ),
  source: Type.Union([Type.String(), Type.Null()]),
  at: Type.Union([Type.String(), Type.Null()], { description: 'the day on which the prices were so' }),
  why: Type.Union([Type.String(), Type.Null()]),
})
export type Cost = Static<typeof Cost>

/** What machines that were asked for will cost: `each`, and how many they are. */
export const Estimate = Type.Object({ each: Cost, count: Type.Integer() })
export type Estimate = Static<typeof Estimate>

/** What a system costs now and has cost, as far as its phases tell. */
export const SystemCost = Type.Object({
  system: Id,
  name: Type.String(),
  provider: ProviderKind,
  each: Cost,
  hourlyNow: Amount,
  spent: Type.Union([Type.Number(), Type.Null()], { description: 'since `since`, at the prices of `each`' }),
  since: Type.String({ format: 'date-time' }),
})
export type SystemCost = Static<typeof SystemCost>
