import type { SshConfig } from './config.ts'
import { patternsFit } from './pattern.ts'

/** One stop of a `ProxyJump`. */
export type SshJump = { readonly user?: string; readonly host: string; readonly port?: number }

/** What an ssh config says of one host. Paths are as they stand, tokens (`%h`) replaced, `~` kept. */
export type ResolvedSsh = {
  readonly hostName: string
  readonly port?: number
  readonly user?: string
  readonly identityFiles: readonly string[]
  readonly certificateFiles: readonly string[]
  readonly identitiesOnly: boolean
  readonly identityAgent?: string
  readonly jumps: readonly SshJump[]
  readonly knownHostsFiles: readonly string[]
  readonly strictHostKeyChecking?: 'yes' | 'no' | 'accept-new' | 'ask'
  readonly hostKeyAlias?: string
  readonly warnings: readonly string[]
}

/** The first value of a keyword counts; IdentityFile and CertificateFile gather. `alias` is the name that was asked for. */
export const resolveSsh = (
  config: SshConfig,
  alias: string,
  defaults: { readonly user?: string } = {},
): ResolvedSsh => {
  const found = new Map<string, readonly string[]>()
  const warnings: string[] = []
  const gathered: Record<'identityfile' | 'certificatefile', string[]> = { identityfile: [], certificatefile: [] }
  for (const block of config.blocks) {
    if (!block.hosts.every(patterns => patternsFit(patterns, alias))) continue
    for (const { key, values, where } of block.options) {
      if (key === 'identityfile' || key === 'certificatefile') gathered[key].push(...values.slice(0, 1))
      else if (key === 'proxycommand' && values[0] !== 'none' && !found.has(key))
        warnings.push(`${where}: ProxyCommand needs backend openssh`)
      if (!found.has(key)) found.set(key, values)
    }
  }
  const one = (key: string): string | undefined => found.get(key)?.[0]
  const port = portOf(one('port'), warnings)
  const user = one('user') ?? defaults.user
  const hostName = (one('hostname') ?? alias).replaceAll(/%[%h]/g, token => (token === '%%' ? '%' : alias))
  const tokens: Record<string, string> = {
    '%': '%',
    h: hostName,
    n: alias,
    r: user ?? '',
    p: String(port ?? 22),
    d: '~',
  }
  const path = (text: string) => text.replaceAll(/%(.)/g, (whole, letter: string) => tokens[letter] ?? whole)
  const strict = one('stricthostkeychecking')?.toLowerCase()
  const identityAgent = one('identityagent')
  const hostKeyAlias = one('hostkeyalias')
  return {
    hostName,
    ...(port === undefined ? {} : { port }),
    ...(user === undefined ? {} : { user }),
    identityFiles: gathered.identityfile.filter(file => file !== 'none').map(path),
    certificateFiles: gathered.certificatefile.filter(file => file !== 'none').map(path),
    identitiesOnly: one('identitiesonly')?.toLowerCase() === 'yes',
    ...(identityAgent === undefined ? {} : { identityAgent }),
    jumps: jumpsOf(one('proxyjump'), warnings),
    knownHostsFiles: (found.get('userknownhostsfile') ?? []).map(path),
    ...(strict === undefined ? {} : { strictHostKeyChecking: strictOf(strict) }),
    ...(hostKeyAlias === undefined ? {} : { hostKeyAlias }),
    warnings,
  }
}

const strictOf = (text: string): NonNullable<ResolvedSsh['strictHostKeyChecking']> =>
  text === 'no' || text === 'off' ? 'no' : text === 'accept-new' ? 'accept-new' : text === 'ask' ? 'ask' : 'yes'

const portOf = (text: string | undefined, warnings: string[]): number | undefined => {
  if (text === undefined) return undefined
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= 65_535) return port
  warnings.push(`Port ${text.slice(0, 20)} is not a number from 1 to 65535; left out`)
  return undefined
}

/** `[user@]host[:port]`, with brackets around an address that has colons; null when it is none. */
export const parseJump = (text: string): SshJump | null => {
  const match = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([^\]\s]+)\]|([^:@\s[\]]+))(?::(\d{1,5}))?$/.exec(text)
  const host = match?.[2] ?? match?.[3]
  if (!match || host === undefined) return null
  const [user, port] = [match[1], match[4] === undefined ? undefined : Number(match[4])]
  if (port !== undefined && (port < 1 || port > 65_535)) return null
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) }
}

const jumpsOf = (text: string | undefined, warnings: string[]): SshJump[] => {
  if (text === undefined || text.toLowerCase() === 'none') return []
  return text.split(',').flatMap(one => {
    const jump = parseJump(one.trim())
    if (!jump) warnings.push(`ProxyJump ${one.slice(0, 80)} is not [user@]host[:port]; left out`)
    return jump ? [jump] : []
  })
}
