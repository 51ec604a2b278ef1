/** Where a connection goes: how its bytes travel, and what libvirtd is asked to open at the other end. */
export type Target = {
  /** The URI as libvirtd takes it, without transport and host, for example `qemu:///system`. */
  readonly driver: string
  readonly via:
    | { readonly kind: 'unix'; readonly path: string }
    | {
        readonly kind: 'ssh'
        readonly host: string
        readonly user: string | null
        readonly port: number | null
        readonly keyFile: string | null
        readonly command: string
      }
}

export class UriError extends Error {
  override readonly name = 'UriError'
}

export type Places = {
  /** Socket of a system daemon; Debian's is /var/run/libvirt/libvirt-sock. */
  readonly systemSocket: string
  /** Socket of the daemon of this user. */
  readonly sessionSocket: string
}

const socketOf = (path: string, asked: string | null, places: Places): string =>
  asked ?? (path === '/session' ? places.sessionSocket : places.systemSocket)

/** The URI as errors tell it: passwords and what stands behind the ? are not for logs. */
const told = (uri: string): string => uri.replace(/\?.*$/s, '').replace(/^((?:[^/]*:\/\/)?[^/@:]*):[^/]*@/, '$1:***@')

/**
 * `driver[+transport]://[user@][host][:port]/path[?socket=..&keyfile=..&command=..]`, as libvirt has it. Transports:
 * `unix` (the default without a host) and `ssh`. Throws UriError for anything else.
 */
export const parseUri = (uri: string, places: Places): Target => {
  const parts = /^([a-z][a-z0-9]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/i.exec(uri)
  if (parts === null) throw new UriError(`${JSON.stringify(told(uri))} is not a libvirt URI, such as qemu:///system`)
  const [, driver = '', asked, authority = '', path = '', query = ''] = parts
  const params = new URLSearchParams(query)
  const transport = asked ?? (authority === '' ? 'unix' : 'tls')
  const known = ['socket', 'keyfile', 'command']
  const odd = [...params.keys()].find(name => !known.includes(name))
  if (odd !== undefined) throw new UriError(`${told(uri)}: ?${odd}= is not known; known are ${known.join(', ')}`)
  const opened = `${driver}://${path}`
  if (transport === 'unix') {
    if (authority !== '')
      throw new UriError(`${told(uri)}: a unix socket is on this host; for another use ${driver}+ssh`)
    return { driver: opened, via: { kind: 'unix', path: socketOf(path, params.get('socket'), places) } }
  }
  if (transport !== 'ssh')
    throw new UriError(`${told(uri)}: transport ${transport} is not spoken; known are unix and ssh`)
  return { driver: opened, via: sshOf(uri, authority, params) }
}

const sshOf = (uri: string, authority: string, params: URLSearchParams): Target['via'] => {
  const [, user, host = '', port] = /^(?:([^@:]+)@)?(\[[^\]]+\]|[^:@]+)(?::(\d+))?$/.exec(authority) ?? []
  // A host or user that begins with a dash would be an option of ssh.
  if (host === '' || host.startsWith('-') || user?.startsWith('-') === true)
    throw new UriError(`${told(uri)}: ssh needs user@host:port, of which host alone is required`)
  return {
    kind: 'ssh',
    host: host.replace(/^\[|\]$/g, ''),
    user: user === undefined ? null : decodeURIComponent(user),
    port: port === undefined ? null : Number(port),
    keyFile: params.get('keyfile'),
    command: params.get('command') ?? 'ssh',
  }
}
