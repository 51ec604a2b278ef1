import ssh2, { type ParsedKey } from 'ssh2'
import type { SshFolder } from './folder.ts'
import type { Hop } from './route.ts'
import { SshRefused } from './refused.ts'

export type Credentials = {
  readonly keys: readonly ParsedKey[]
  readonly agent?: string
  readonly password?: string
}
export type CredentialDeps = { readonly folder: SshFolder; secret(name: string): Promise<string | undefined> }

/** The text behind a reference; null when a file is not there. Errors name the reference, never the text. */
export const textOf = async ({ folder, secret }: CredentialDeps, reference: string): Promise<string | null> => {
  const name = reference.slice(reference.indexOf(':') + 1)
  try {
    if (reference.startsWith('file:')) return await folder.secretFile(name)
    const text = await secret(name)
    if (text !== undefined) return text
  } catch (error) {
    throw new SshRefused('settings', `${reference}: ${error instanceof Error ? error.message : String(error)}`)
  }
  throw new SshRefused('settings', `${reference} does not exist; PUT /v1/secrets stores it`)
}
export const requiredText = async (deps: CredentialDeps, reference: string): Promise<string> => {
  const text = await textOf(deps, reference)
  if (text === null) throw new SshRefused('settings', `${reference} does not exist in ${deps.folder.path}`)
  return text.replace(/\r?\n$/, '')
}

const parsed = (reference: string, text: string, passphrase: string | undefined): ParsedKey => {
  const found = ssh2.utils.parseKey(text.endsWith('\n') ? text : `${text}\n`, passphrase)
  const key = Array.isArray(found) ? found[0] : found
  if (key instanceof Error || key === undefined) {
    const why = key?.message ?? 'no key in it'
    const hint = /encrypted|passphrase/i.test(why) ? (passphrase === undefined ? ': give its passphrase' : '') : ''
    throw new SshRefused('settings', `${reference} cannot be used as a private key: ${why}${hint}`)
  }
  if (!key.isPrivateKey()) throw new SshRefused('settings', `${reference} is a public key; the private one is needed`)
  return key
}

/** What a hop may show to prove who we are. A file that is not there is passed over, as ssh does; a secret must exist. */
export const credentialsOf = async (deps: CredentialDeps, hop: Hop): Promise<Credentials> => {
  const passphrase = hop.passphrase === undefined ? undefined : await requiredText(deps, hop.passphrase)
  const keys: ParsedKey[] = []
  for (const reference of hop.identities) {
    const text = await textOf(deps, reference)
    if (text !== null) keys.push(parsed(reference, text, passphrase))
  }
  const password = hop.password === undefined ? undefined : await requiredText(deps, hop.password)
  if (keys.length === 0 && hop.agent === undefined && password === undefined)
    throw new SshRefused(
      'settings',
      `no private key, agent or password for ${hop.user}@${hop.address}: none of ${hop.identities.join(', ')} exists`,
    )
  return {
    keys,
    ...(hop.agent === undefined ? {} : { agent: hop.agent }),
    ...(password === undefined ? {} : { password }),
  }
}
