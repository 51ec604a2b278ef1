import type { SshTarget } from './target.ts'

export type SshWish = {
  readonly user?: string
  readonly port?: string
  readonly identity?: readonly string[]
  readonly option?: readonly string[]
}
type Hop = Pick<SshTarget, 'address' | 'port' | 'user'>

const hopText = ({ address, port, user }: Hop): string =>
  `${user === undefined ? '' : `${user}@`}${address.includes(':') ? `[${address}]` : address}${port === undefined ? '' : `:${port}`}`

/** Trust: known keys are the only ones; a machine's first one is kept under its own name, apart from the user's. */
const trust = ({ hostKeys, alias, acceptsNew }: SshTarget, knownHosts: string): string[] => {
  const named = alias === null ? [] : [`HostKeyAlias=${alias}`]
  if (hostKeys.length > 0)
    return [...named, `UserKnownHostsFile=${knownHosts}`, 'GlobalKnownHostsFile=/dev/null', 'StrictHostKeyChecking=yes']
  if (!acceptsNew) return named
  return [...named, ...(alias === null ? [] : [`UserKnownHostsFile=${knownHosts}`]), 'StrictHostKeyChecking=accept-new']
}

/** The words of ssh. What is given goes before what is known; options of the person before ours. */
export const sshArguments = (
  target: SshTarget,
  wish: SshWish,
  { knownHosts, command }: { readonly knownHosts: string; readonly command: readonly string[] },
): string[] => {
  const port = wish.port ?? target.port
  const user = wish.user ?? target.user
  const { jumps } = target
  return [
    ...(wish.option ?? []).flatMap(option => ['-o', option]),
    ...trust(target, knownHosts).flatMap(option => ['-o', option]),
    ...(jumps.length > 0 ? ['-J', jumps.map(hopText).join(',')] : []),
    ...(wish.identity ?? []).flatMap(file => ['-i', file]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    target.address,
    ...command,
  ]
}
