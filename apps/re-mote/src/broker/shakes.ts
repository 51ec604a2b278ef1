import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/**
 * A tiny record of the keys that shook hands last, written before the authenticator answers, synchronously: a peer that is past
 * CURVE can abort the broker by an assertion in libzmq, and then no code of ours runs any more. Fixed slots, so the file never grows.
 */
const slots = 16
const slotBytes = 64

export type Shakes = { note(key: string): void; close(): void }

export const openShakes = (file: string): Shakes => {
  const fd = openSync(file, 'w', 0o600)
  let count = 0
  return {
    note: key => {
      count += 1
      writeSync(fd, `${count} ${key}`.padEnd(slotBytes - 1).concat('\n'), (count % slots) * slotBytes)
    },
    close: () => closeSync(fd),
  }
}

/** The keys that shook hands, the last one first; empty when there is no record. */
export const readShakes = (file: string): string[] => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return text
    .split('\n')
    .flatMap(line => {
      const match = /^\0*(\d+) (\S{40})\s*$/.exec(line)
      return match ? [{ at: Number(match[1]), key: match[2] as string }] : []
    })
    .sort((a, b) => b.at - a.at)
    .map(one => one.key)
}
