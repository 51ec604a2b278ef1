import type { TestMote } from '@re-ops/re-mote/testing'

/** A number of re-mote's /metrics. */
export const metricOf = async (mote: TestMote, name: string): Promise<number> => {
  const text = await (await fetch(`${mote.url}/metrics`)).text()
  const value = new RegExp(`^${name}(?:{[^}]*})? ([0-9.e+-]+)$`, 'm').exec(text)?.[1]
  if (value === undefined) throw new Error(`/metrics has no ${name}`)
  return Number(value)
}
