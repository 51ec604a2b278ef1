import type { NewVolume } from '@re-ops/protocols'
import { usage } from '../fault.ts'
import { wholeNumber } from './labels.ts'

/** `--volume 10` or `--volume 10:data`: so many GB, and a name. */
export const volumeOf = (text: string): NewVolume => {
  const [size = '', name, ...rest] = text.split(':')
  const sizeGb = wholeNumber(size, '--volume', 1, 16_384)
  if (name === undefined) return { sizeGb }
  if (rest.length > 0 || !/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(name))
    throw usage(`--volume: \`${text}\` is not GB or GB:NAME; a name is lower case letters, digits and dashes, 2 to 63`)
  return { sizeGb, name }
}
