import type { Host, NamedChoice, System } from '@re-ops/protocols'
import { usage } from '../fault.ts'

/** Where ssh goes, and what is known of who answers there. */
export type SshTarget = {
  readonly address: string
  readonly port?: number | undefined
  readonly user?: string | undefined
  /** To go through, the first one first. */
  readonly jumps: readonly Pick<SshTarget, 'address' | 'port' | 'user'>[]
  /** Its public keys, as known_hosts has them behind the names. */
  readonly hostKeys: readonly string[]
  /** Names this machine and no later one at the same address; null: it is known by its address. */
  readonly alias: string | null
  /** An unknown key is taken the first time; otherwise ssh asks. */
  readonly acceptsNew: boolean
}

/** What the services know of a name. */
export type Known = {
  readonly system: System | null
  readonly host: Host | null
  readonly images: Readonly<Record<string, NamedChoice>>
  /** By name, for jumps. */
  readonly hosts: ReadonlyMap<string, Host>
}

const jumpsMax = 8

const jumpsOf = (host: Host, hosts: Known['hosts']): Pick<SshTarget, 'address' | 'port' | 'user'>[] => {
  const jumps: Pick<SshTarget, 'address' | 'port' | 'user'>[] = []
  for (let at = host.ssh?.jump; at !== undefined; at = hosts.get(at)?.ssh?.jump) {
    const { ssh } = hosts.get(at) ?? {}
    if (ssh === undefined || jumps.length === jumpsMax)
      throw usage(
        `${host.name} is reached through ${at}, ${ssh === undefined ? 'which is no SSH host' : 'in a circle'}`,
      )
    jumps.unshift({ address: ssh.address, port: ssh.port, user: ssh.user })
  }
  return jumps
}

/** Who logs in where an image was made for it: the word that is called so, or means it at that provider. */
const userOfImage = (images: Known['images'], { image, provider }: System): string | undefined => {
  const meant = Object.entries(images).find(([name, { on }]) => name === image || on[provider] === image)?.[1]
  return meant?.users?.[provider]
}

const whyNone = (name: string, system: System | null): string => {
  if (system === null)
    return `no address of ${name} is known; \`reops hosts add ${name} --ssh user@address --change\` tells one`
  if (system.addresses.length > 0)
    return `nothing reaches ${name}: its network lets out only; \`reops run --on ${name} -- ...\` and \`reops console ${name}\` do`
  return `${name} has no address yet: it is ${system.phase}${system.reason === null ? '' : ` (${system.reason})`}`
}

const factKeys = (host: Host | null): string[] => {
  const keys = host?.facts['sshKeys']
  return Array.isArray(keys)
    ? keys.filter(key => typeof key === 'string' && /^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/.test(key))
    : []
}

/** From what is known of it: settings for SSH first, then its addresses. Throws Fault 2 when there is none. */
export const sshTargetOf = (name: string, { system, host, images, hosts }: Known): SshTarget => {
  const { ssh } = host ?? {}
  const address = ssh?.address ?? (system === null ? host?.addresses?.[0] : system.address)
  if (address === undefined || address === null) throw usage(whyNone(name, system))
  const user = ssh?.user ?? (system === null ? undefined : userOfImage(images, system))
  const hostKeys = [...new Set([...factKeys(host), ...(host?.hostKeys ?? [])])]
  const id = host?.id ?? system?.ref
  return {
    address,
    port: ssh?.port,
    user: user ?? 'root',
    jumps: host === null ? [] : jumpsOf(host, hosts),
    hostKeys,
    // Of a host of one's own that nobody knows, one's own known_hosts may know more.
    alias: id === undefined || id === null || (ssh !== undefined && hostKeys.length === 0) ? null : `re-ops-${id}`,
    acceptsNew: ssh === undefined || ssh.hostKey === 'accept-new',
  }
}
