import { ProviderError, type Identity } from '@re-ops/protocols'
import { markKeys, marksOf } from '../marks.ts'

const tagMax = 255

/** Tags here are words without case of letters, digits, dash, colon and underscore: all else is written `_hh`, by byte. */
export const encode = (text: string): string =>
  [...Buffer.from(text)]
    .map(byte => {
      const char = String.fromCharCode(byte)
      return /[a-z0-9-]/.test(char) ? char : `_${byte.toString(16).padStart(2, '0')}`
    })
    .join('')

export const decode = (text: string): string =>
  Buffer.concat(
    (text.match(/_[0-9a-f]{2}|[^]/gu) ?? []).map(part =>
      /^_[0-9a-f]{2}$/.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part),
    ),
  ).toString()

const ofUs = /^(recore:[a-z]+):(.*)$/
const isMark = (tag: string): boolean => ofUs.test(tag)

/** `key:value`; of ours `recore:vm:<id>`, as it is. */
export const tagOf = (key: string, value: string): string => {
  const tag = key.startsWith('recore:') ? `${key}:${value}` : `${encode(key)}${value === '' ? '' : `:${encode(value)}`}`
  if (tag.length > tagMax)
    throw new ProviderError(
      'invalid',
      'not-applied',
      `tag ${key} is too long; allowed of provider digitalocean: ${tagMax}`,
    )
  return tag
}

/** Key and value of a tag; one that somebody else made has the empty value, or what stands behind its first colon. */
export const pairOf = (tag: string): readonly [key: string, value: string] => {
  const own = ofUs.exec(tag)
  if (own !== null) return [own[1] ?? '', own[2] ?? '']
  const at = tag.indexOf(':')
  return at < 0 ? [decode(tag), ''] : [decode(tag.slice(0, at)), decode(tag.slice(at + 1))]
}

/** As expiry tags have it: seconds since 1970. */
export const secondsOf = (iso: string): string => String(Math.floor(Date.parse(iso) / 1_000))
/** When it shall end, as the tag has it: seconds since 1970. */
export const expiryOf = (tags: Readonly<Record<string, string>>): string | undefined => {
  const text = tags[markKeys.expiresAt]
  return text !== undefined && /^\d{1,11}$/.test(text) ? new Date(Number(text) * 1_000).toISOString() : undefined
}

export const identityTags = (identity: Identity, expiresAt: string | undefined): string[] =>
  Object.entries(marksOf(identity, expiresAt === undefined ? undefined : secondsOf(expiresAt))).map(([key, value]) =>
    tagOf(key, value),
  )

/** Tag objects that no other machine carries: they go with it. */
export const isOfOneMachine = (tag: string): boolean =>
  isMark(tag) && (tag.startsWith(`${markKeys.vmId}:`) || tag.startsWith(`${markKeys.expiresAt}:`))

const shortLength = 10
/** Names are not unique here and tags come later than the droplet: its name says for which life it was made. */
export const suffixOf = (identity: Identity): string => `-${identity.token.slice(4, 4 + shortLength)}`
export const machineName = (name: string, suffix: string): string =>
  `${name.replace(/[^A-Za-z0-9.-]/g, '-').slice(0, 63)}${suffix}`
/** The suffix of a name of ours. */
export const suffixIn = (name: string): string | null =>
  new RegExp(`-[a-z2-7]{${shortLength}}$`).exec(name)?.[0] ?? null
