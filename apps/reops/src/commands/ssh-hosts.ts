import { readFileSync } from 'node:fs'
import { isClientError, type Mote } from '@re-ops/client'
import type { AddHost, Host, SshSettings } from '@re-ops/protocols'
import { labelsOf } from '../arguments/labels.ts'
import { sshTarget } from '../arguments/ssh.ts'
import { printJson, type Context } from '../context.ts'
import { usage } from '../fault.ts'

export type AddOptions = {
  readonly json?: boolean
  readonly ssh: string
  readonly identity?: readonly string[]
  readonly keyFile?: string
  readonly passphrase?: string
  readonly password?: string
  readonly become?: string
  readonly jump?: string
  readonly acceptNew?: boolean
  readonly hostKey?: readonly string[]
  readonly backend?: string
  readonly agent?: boolean
  readonly label?: readonly string[]
  readonly change?: boolean
}

/** A private key, or another text for a secret, from a file or `-`, standard input. */
export const secretText = (path: string, what: string): string => {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (error) {
    throw usage(`${what}: ${path} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`)
  }
}

const settingsOf = (options: AddOptions, identity: readonly string[]): SshSettings => ({
  ...sshTarget(options.ssh),
  ...(identity.length > 0 ? { identity: [...identity] } : {}),
  ...(options.passphrase === undefined ? {} : { passphrase: options.passphrase }),
  ...(options.password === undefined ? {} : { password: options.password }),
  ...(options.become === undefined ? {} : { become: options.become }),
  ...(options.jump === undefined ? {} : { jump: options.jump }),
  ...(options.acceptNew === true ? { hostKey: 'accept-new' as const } : {}),
  ...(options.backend === undefined ? {} : { backend: options.backend as 'ssh2' | 'openssh' }),
  ...(options.agent === true ? { agent: true } : {}),
})

/** Adds the host; with `change`, what is there by this name gets these settings (an agent's host keeps its agent). */
export const addOrChange = async (mote: Mote, body: AddHost, change: boolean): Promise<Host> => {
  try {
    return await mote.addHost(body)
  } catch (error) {
    if (!change || !isClientError(error, 'problem') || error.status !== 409) throw error
    const found = (await mote.hosts()).find(host => host.name === body.name && host.state !== 'revoked')
    if (!found) throw error
    const { labels, ssh, hostKeys } = body
    return mote.changeHost(found.id, { ssh, ...(labels ? { labels } : {}), ...(hostKeys ? { hostKeys } : {}) })
  }
}

export const addHost = async (context: Context, name: string, options: AddOptions): Promise<number> => {
  const { mote } = await context.client()
  const { terminal } = context
  const identity = [...(options.identity ?? [])]
  const settings = settingsOf(options, identity) // wrong words are told before anything is stored
  if (options.keyFile !== undefined) {
    const secret = `ssh/${name}`
    await mote.putSecret(secret, secretText(options.keyFile, '--key-file'))
    identity.unshift(`secret:${secret}`)
  }
  const body: AddHost = {
    name,
    ...(options.label?.length ? { labels: labelsOf(options.label) } : {}),
    ssh: identity.length > 0 ? { ...settings, identity } : settings,
    ...(options.hostKey?.length ? { hostKeys: [...options.hostKey] } : {}),
  }
  const host = await addOrChange(mote, body, options.change === true)
  if (options.json === true) printJson(terminal, host)
  else {
    terminal.out(`${host.name}  ${host.transport}\n`)
    terminal.error(`try: reops run --on ${host.name} -- uname -r`)
  }
  return 0
}
