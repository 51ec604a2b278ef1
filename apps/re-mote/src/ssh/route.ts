import { createHash } from 'node:crypto'
import { knownHostName, resolveSsh, type ResolvedSsh } from '@re-ops/protocols/ssh'
import type { SshFolder } from './folder.ts'
import type { SshHost } from './host.ts'
import { sshLimits } from './limits.ts'
import { SshRefused } from './refused.ts'

/** One connection on the way to a host; the last one is the host itself. Credentials are named, not held. */
export type Hop = {
  readonly address: string
  readonly port: number
  readonly user: string
  /** How known_hosts names it. */
  readonly knownAs: string
  readonly acceptNew: boolean
  readonly knownHostsFiles: readonly string[]
  readonly identities: readonly string[]
  readonly passphrase?: string
  readonly password?: string
  readonly agent?: string
  readonly warnings: readonly string[]
}
/** `id` names the way: calls of hosts whose ways begin alike share those connections. */
export type Route = { readonly hops: readonly Hop[]; readonly ids: readonly string[] }

export type RouteDeps = {
  readonly folder: SshFolder
  /** The socket of the service's ssh-agent. */
  readonly agentSocket: string | undefined
  findHost(name: string): Promise<SshHost | null>
}

const ownKeys = ['id_ed25519', 'id_ecdsa', 'id_rsa']
const agentOf = (host: SshHost, file: ResolvedSsh, socket: string | undefined): string | undefined => {
  const asked = file.identityAgent
  if (host.settings.agent !== true && asked === undefined) return undefined
  return asked === undefined || asked === 'SSH_AUTH_SOCK' ? socket : asked === 'none' ? undefined : asked
}

/** Settings of the host first, then the service's SSH config, then the defaults of ssh (but user root). */
const hopOf = (deps: RouteDeps, host: SshHost, file: ResolvedSsh): Hop => {
  const { settings } = host
  const port = settings.port ?? file.port ?? 22
  const fromFile = file.identityFiles.map(path => `file:${path}`)
  const named = [...(settings.identity ?? []), ...fromFile]
  const agent = agentOf(host, file, deps.agentSocket)
  const certificate = settings.certificate ?? file.certificateFiles[0]
  if (certificate !== undefined && settings.backend !== 'openssh')
    throw new SshRefused('settings', `${host.name} has a certificate: that needs backend openssh`)
  return {
    address: file.hostName,
    port,
    user: settings.user ?? file.user ?? 'root',
    knownAs: file.hostKeyAlias ?? knownHostName(file.hostName, port),
    acceptNew:
      settings.hostKey === undefined
        ? file.strictHostKeyChecking === 'accept-new' || file.strictHostKeyChecking === 'no'
        : settings.hostKey === 'accept-new',
    knownHostsFiles: file.knownHostsFiles,
    identities: named.length > 0 ? named : ownKeys.map(key => `file:${key}`),
    ...(settings.passphrase === undefined ? {} : { passphrase: settings.passphrase }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...(agent === undefined || (file.identitiesOnly && settings.agent !== true) ? {} : { agent }),
    warnings: file.warnings,
  }
}

/** The way to a host, jump hosts first: those of its settings, else those of the SSH config. Throws SshRefused. */
export const routeTo = async (deps: RouteDeps, host: SshHost): Promise<Route> => {
  const config = await deps.folder.config()
  const hops: Hop[] = []
  const seen = new Set<string>()
  const add = async (one: SshHost): Promise<void> => {
    if (seen.has(one.name))
      throw new SshRefused('settings', `the jump hosts of ${host.name} go in a circle: ${one.name}`)
    seen.add(one.name)
    if (seen.size > sshLimits.jumpsMax + 1)
      throw new SshRefused('settings', `more than ${sshLimits.jumpsMax} jump hosts on the way to ${host.name}`)
    const file = resolveSsh(config, one.settings.address)
    const { jump } = one.settings
    if (jump !== undefined) {
      const through = await deps.findHost(jump)
      if (!through) throw new SshRefused('settings', `jump host ${jump} of ${one.name} is not an SSH host here`)
      await add(through)
    } else
      for (const { host: address, user, port } of file.jumps)
        await add({
          id: '',
          name: `${address}:${port ?? ''}`,
          settings: { address, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) },
        })
    hops.push(hopOf(deps, one, file))
  }
  await add(host)
  const ids: string[] = []
  for (const hop of hops)
    ids.push(
      createHash('sha256')
        .update(JSON.stringify([ids.at(-1) ?? '', hop]))
        .digest('base64url')
        .slice(0, 22),
    )
  return { hops, ids }
}
