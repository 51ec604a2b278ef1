import { newId, Sample, sampleLimits, type Id } from '@re-ops/protocols'
import { Check } from 'typebox/value'
import { openSegments, type Place } from '../segments.ts'

/** Samples on disk until they are taken, oldest first; when there is no room, the oldest go, and the numbers show it. */
export type Samples = {
  /** Names this count of samples: a folder that is made anew begins another. */
  readonly series: Id
  /** Numbers it and keeps it. */
  add(sample: Omit<Sample, 'seq' | 'n'>): void
  /** The oldest, as many as fit into one message. */
  next(): readonly Sample[]
  taken(upTo: number): void
  readonly waiting: number
  close(): void
}
type Counts = { series: Id; seq: number; n: Record<Id, number> }
type Entry = { readonly seq: number; readonly place: Place }

const segmentsMax = 8

export const openSamples = (folder: string, bytesMax: number = sampleLimits.ringBytesMax): Samples => {
  let entries: Entry[] = []
  const counts: Counts = { series: newId(), seq: 0, n: {} }
  const count = (sample: Sample) => {
    counts.seq = Math.max(counts.seq, sample.seq)
    counts.n[sample.schedule] = Math.max(counts.n[sample.schedule] ?? 0, sample.n)
  }
  const forget = (upTo: number) => {
    const at = entries.findIndex(entry => entry.seq > upTo)
    entries = at < 0 ? [] : entries.slice(at)
  }
  /** A line that does not read was damaged: its number is missing, as if the ring had been full. */
  const onLine = (line: string, place: Place) => {
    let read: unknown
    try {
      read = JSON.parse(line)
    } catch {
      return
    }
    if (Check(Sample, read)) {
      count(read)
      entries.push({ seq: read.seq, place })
      return
    }
    const { taken, series, seq, n } = read as Partial<Counts> & { taken?: number }
    if (taken !== undefined) forget(taken)
    if (series !== undefined) Object.assign(counts, { series, seq: seq ?? 0, n: { ...n } })
  }
  const header = () => JSON.stringify(counts)
  const segments = openSegments({ folder, segmentBytesMax: Math.floor(bytesMax / segmentsMax), onLine, header })
  if (segments.bytes() === 0) segments.append(header())

  const removeBefore = (segment: number) => {
    for (const old of segments.closed()) if (old < segment) segments.remove(old)
  }
  const makeRoom = () => {
    while (segments.bytes() > bytesMax) {
      const [oldest] = segments.closed()
      if (oldest === undefined) return
      entries = entries.filter(entry => entry.place.segment !== oldest)
      segments.remove(oldest)
    }
  }
  return {
    get series() {
      return counts.series
    },
    get waiting() {
      return entries.length
    },
    add: sample => {
      const whole: Sample = { ...sample, seq: counts.seq + 1, n: (counts.n[sample.schedule] ?? 0) + 1 }
      count(whole) // also when the disk refuses it: the gap is told
      entries.push({ seq: whole.seq, place: segments.append(JSON.stringify(whole)) })
      makeRoom()
    },
    next: () => {
      const batch: Sample[] = []
      let bytes = 0
      for (const { place } of entries.slice(0, sampleLimits.perMessageMax)) {
        bytes += place.length
        if (batch.length > 0 && bytes > sampleLimits.messageBytesMax) break
        batch.push(JSON.parse(segments.read(place)) as Sample)
      }
      return batch
    },
    taken: upTo => {
      forget(upTo)
      segments.appendLazily(JSON.stringify({ taken: upTo })) // forgotten by a death, they are only taken again
      removeBefore(entries[0]?.place.segment ?? Number.POSITIVE_INFINITY)
    },
    close: () => segments.close(),
  }
}
