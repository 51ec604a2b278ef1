import type { Cost, Estimate, SystemCost } from '@re-ops/protocols'

/** `$0.0248`; small amounts keep the digits that tell them apart. */
export const dollars = (amount: number): string => {
  if (amount === 0) return '$0'
  return `$${amount >= 1 ? amount.toFixed(2) : String(Number(amount.toPrecision(3)))}`
}

/** Where the prices are from, and of which day. */
const sourceText = ({ source, at }: Cost): string =>
  [source, at === null ? null : `prices of ${at}`].filter(Boolean).join(', ')

/** What machines will cost, in one line, and the parts of it in further ones. */
export const estimateLines = ({ each, count }: Estimate): string[] => {
  if (each.hourly === null) return [`price: unknown: ${each.why ?? ''}`]
  if (each.hourly === 0) return [`price: free (${sourceText(each)})`]
  const all = count > 1 ? ` each, ${dollars(each.hourly * count)} for ${count}` : ''
  const monthly = `about ${dollars((each.monthly ?? 0) * count)} a month`
  const stopped = `${dollars(each.hourlyStopped ?? 0)} an hour${count > 1 ? ' each' : ''} while stopped`
  return [
    `price: ${dollars(each.hourly)} an hour${all}; ${monthly}; ${stopped} (${sourceText(each)})`,
    ...each.parts.map(part => `  ${part.what}  ${dollars(part.hourly)} an hour`),
  ]
}

/** What a system costs now and has cost. */
export const costText = ({ each, hourlyNow, spent }: SystemCost): string => {
  if (each.hourly === null) return `unknown: ${each.why ?? ''}`
  if (each.hourly === 0) return 'free'
  return `${dollars(hourlyNow ?? 0)} an hour now · about ${dollars(spent ?? 0)} so far (${sourceText(each)})`
}
