import type { Opened } from '@re-ops/operations/dialogue'
import { chunksOf, fileLimits, type FromBroker } from '@re-ops/protocols'
import type { Outgoing } from '../outbox.ts'
import type { About, Asks, Wait } from './asks.ts'

type Part = Extract<FromBroker, { kind: 'file.part' }>['body']
export type Takes = {
  open(about: About, from: number, prefix?: string): Promise<Opened>
  onPart(part: Part): void
}

type Pull = { parts: (string | undefined)[]; missing: number; wait?: Wait; resolve(bytes: Buffer): void }

/** Contents that come from the service, a chunk at a time; each chunk is asked for when there is room for it. */
export const makeTakes = (asks: Asks, say: (message: Outgoing) => void): Takes => {
  /** Who waits for a chunk: two calls may want the same content, and the same parts do for both. */
  const pulls = new Map<string, Set<Pull>>()
  const keyOf = ({ hash, chunk }: { readonly hash: string; readonly chunk: number }) => `${hash} ${chunk}`

  const pull = (about: About, chunk: number, openAgain: () => void): Promise<Buffer> => {
    const { call, hash } = about
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const key = keyOf({ hash, chunk })
    const one: Pull = { parts: [], missing: 0, resolve }
    const here = pulls.get(key) ?? new Set()
    pulls.set(key, here)
    here.add(one)
    const ask = () => say({ kind: 'file.pull', body: { call, hash, chunk } })
    // In a new session nothing is open; saying it twice in one is nothing.
    const again = () => {
      openAgain()
      ask()
    }
    one.wait = asks.wait(about, { refuse: reject, again })
    ask()
    return promise.finally(() => {
      one.wait?.stop()
      here.delete(one)
      if (here.size === 0 && pulls.get(key) === here) pulls.delete(key)
    })
  }
  const bytesOf = async function* (about: About, from: number, size: number): AsyncGenerator<Buffer> {
    const { call, hash } = about
    const openAgain = () => say({ kind: 'file.open', body: { call, hash, from: 0 } })
    const last = chunksOf(size)
    const under: Promise<Buffer>[] = []
    let next = from / fileLimits.chunkBytes
    const ahead = () => {
      while (next < last && under.length < fileLimits.chunksUnderWayMax) {
        const one = pull(about, next, openAgain)
        one.catch(() => undefined) // told when its turn comes
        under.push(one)
        next += 1
      }
    }
    for (ahead(); under.length > 0; ahead()) yield await (under.shift() as Promise<Buffer>)
  }
  return {
    open: async (about, from, prefix) => {
      const { call, hash } = about
      const body = { call, hash, from, ...(prefix === undefined ? {} : { prefix }) }
      const opened = await asks.ask(about, 'file.opened', () => say({ kind: 'file.open', body }))
      return { from: opened.from, size: opened.size, bytes: bytesOf(about, opened.from, opened.size) }
    },
    onPart: ({ part, of, data, ...which }) => {
      for (const one of pulls.get(keyOf(which)) ?? []) {
        if (one.parts.length !== of) {
          one.parts = Array.from({ length: of }, () => undefined)
          one.missing = of
        }
        if (part >= of || one.parts[part] !== undefined) continue
        one.parts[part] = data
        one.missing -= 1
        one.wait?.sign()
        if (one.missing === 0) one.resolve(Buffer.concat(one.parts.map(text => Buffer.from(text ?? '', 'base64'))))
      }
    },
  }
}
