import type { Random } from '../foundation/random.ts'
import { nastyTexts, nastyValue, withMarkers } from './nasty.ts'

type Container = Record<string, unknown> | unknown[]
const isContainer = (value: unknown): value is Container => typeof value === 'object' && value !== null

/** Every place of a JSON value, as its container and key. */
const placesOf = (value: unknown, found: [Container, string | number][] = []): [Container, string | number][] => {
  if (!isContainer(value)) return found
  for (const key of Object.keys(value)) {
    found.push([value, key])
    placesOf((value as Record<string, unknown>)[key], found)
  }
  return found
}

const edit = (root: Container, random: Random): void => {
  const places = placesOf(root)
  const [container, key] = places.length > 0 ? random.pick(places) : [root, 'a']
  const holder = container as Record<string | number, unknown>
  switch (random.between(0, 6)) {
    case 0:
      delete holder[key]
      return
    case 1:
      holder[random.pick(nastyTexts)] = nastyValue(random)
      return
    case 2:
      holder[key] = [holder[key]]
      return
    case 3:
      holder[key] = JSON.stringify(holder[key])
      return
    case 4:
      // Not by its own methods: it may have a `constructor`, or a prototype, of ours by now.
      if (Array.isArray(container)) Array.prototype.push.apply(container, [...structuredClone(container)].slice(0, 50))
      else holder[`${String(key)}2`] = holder[key]
      return
    default:
      holder[key] = nastyValue(random)
  }
}

/** JSON text of `value` with one to three places changed. The value is left as it is. */
export const mutatedJson = (value: unknown, random: Random): string => {
  const copy: unknown = structuredClone(value)
  if (!isContainer(copy)) return withMarkers(JSON.stringify(nastyValue(random)))
  for (let edits = random.between(1, 3); edits > 0; edits -= 1) edit(copy, random)
  const text = withMarkers(JSON.stringify(copy))
  // The same key twice: which one counts must not matter to anybody.
  return random.between(1, 20) === 1 ? text.replace(/^\{/, `{${text.slice(1, -1) || '"a":1'},`) : text
}

export const randomBytes = (length: number, random: Random): Buffer => {
  const bytes = Buffer.alloc(length)
  for (let at = 0; at < length; at += 1) bytes[at] = random.between(0, 255)
  return bytes
}

/** The bytes with a few of them flipped, cut off, doubled, put in or replaced by those of another message. */
export const mutatedBytes = (bytes: Buffer, other: Buffer, random: Random): Buffer => {
  const at = random.between(0, Math.max(0, bytes.length - 1))
  switch (random.between(0, 5)) {
    case 0: {
      const copy = Buffer.from(bytes)
      for (let flips = random.between(1, 8); flips > 0 && copy.length > 0; flips -= 1) {
        const place = random.between(0, copy.length - 1)
        copy[place] = (copy[place] as number) ^ (1 << random.between(0, 7))
      }
      return copy
    }
    case 1:
      return bytes.subarray(0, at)
    case 2:
      return Buffer.concat([bytes.subarray(0, at), randomBytes(random.between(1, 16), random), bytes.subarray(at)])
    case 3:
      return Buffer.concat([bytes.subarray(0, at), other.subarray(random.between(0, Math.max(0, other.length - 1)))])
    case 4:
      return Buffer.concat([bytes, bytes])
    default:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + random.between(1, 9)))])
  }
}
