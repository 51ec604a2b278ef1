import type { Caps } from '@re-ops/protocols'
import type { Sighting, SystemRow } from '../store/row.ts'
import type { Step } from './decide.ts'

/** Whether a look for it must find it by now, if it is there. */
export const isShown = (sighting: Sighting | undefined, caps: Caps): boolean =>
  (sighting?.ageMs ?? 0) >= caps.maxVisibilityLagMs

/** When what was destroyed and may not have been seen is looked at again, in ms from now; null = there is none. */
export const shownIn = (sightings: readonly Sighting[], caps: Caps): number | null => {
  const unsure = sightings.filter(one => one.isDestroyed && !isShown(one, caps))
  return unsure.length === 0 ? null : Math.max(1, ...unsure.map(one => caps.maxVisibilityLagMs - one.ageMs + 1))
}

/**
 * What was seen of it beside the machine it has: its own, which it takes, or of another life, which is destroyed. Null when
 * nothing is to be done of it now.
 */
export const strayed = (row: SystemRow, sightings: readonly Sighting[], leaving: boolean, caps: Caps): Step | null => {
  for (const sighting of sightings) {
    if (sighting.ref === row.ref) continue
    const own = sighting.generation === row.generation && sighting.candidate === row.candidate
    if (own && row.ref === null && !leaving && row.phase !== 'gone') return { kind: 'adopt', ref: sighting.ref }
    if (sighting.isDestroyed && !isShown(sighting, caps)) continue
    return { kind: 'destroy', of: 'sighting', ref: sighting.ref }
  }
  return null
}
