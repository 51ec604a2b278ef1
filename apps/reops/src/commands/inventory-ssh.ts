import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { isClientError, type Mote } from '@re-ops/client'
import type { AddHost } from '@re-ops/protocols'
import {
  entriesFor,
  knownHostName,
  namedHosts,
  parseKnownHosts,
  parseSshConfig,
  resolveSsh,
  type KnownHost,
  type ResolvedSsh,
  type SshConfig,
  type SshJump,
} from '@re-ops/protocols/ssh'
import { printJson, type Context } from '../context.ts'
import { Fault } from '../fault.ts'
import { table } from '../render/table.ts'
import { count } from '../render/units.ts'
import { addOrChange } from './ssh-hosts.ts'

export type ImportSshOptions = {
  readonly json?: boolean
  readonly sshConfig?: string | true
  readonly withKeys?: boolean
  readonly change?: boolean
}

const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/
const hostKeysMax = 16
const keyNames = ['id_ed25519', 'id_ecdsa', 'id_rsa']

/** What ssh would do for this person: `~` is their home, other names are below ~/.ssh. */
const pathOf = (home: string, path: string): string => {
  const whole = path.replace(/^~(?=\/|$)/, home)
  return isAbsolute(whole) ? whole : join(home, '.ssh', whole)
}
const readText = (path: string): string => (existsSync(path) ? readFileSync(path, 'utf8') : '')

type Planned = {
  readonly name: string
  readonly resolved: ResolvedSsh
  readonly user: string
  readonly port: number
  readonly jump: string | undefined
}

/** Every host of the config, and the jump hosts it names, each after the one it goes through. */
const planOf = (config: SshConfig, warn: (line: string) => void): Planned[] => {
  const planned = new Map<string, Planned>()
  const under = new Set<string>()
  const me = userInfo().username
  const add = (name: string, alias: string, given: Partial<SshJump>, through: readonly SshJump[] | null): boolean => {
    if (planned.has(name)) return true
    if (!namePattern.test(name)) {
      warn(`${name}: is no name for a host here (letters, digits and . _ -); left out`)
      return false
    }
    if (under.has(name)) {
      warn(`${name}: its jump hosts go in a circle; left out`)
      return false
    }
    under.add(name)
    const resolved = resolveSsh(config, alias)
    for (const warning of resolved.warnings) warn(`${name}: ${warning}`)
    const jumps = through ?? resolved.jumps
    const last = jumps.at(-1)
    const jump = last && jumpName(last)
    // The stops before the last one are the way to that one.
    const there = !last || !jump || add(jump, last.host, last, jumps.length > 1 ? jumps.slice(0, -1) : null)
    under.delete(name)
    if (!there) warn(`${name}: its jump host is left out, so it is too`)
    else {
      const user = given.user ?? resolved.user ?? me
      planned.set(name, { name, resolved, user, port: given.port ?? resolved.port ?? 22, jump })
    }
    return there
  }
  const jumpName = ({ host, port, user }: SshJump): string =>
    port === undefined && user === undefined ? host : [user, host, port].filter(one => one !== undefined).join('-')
  for (const name of namedHosts(config)) add(name, name, {}, null)
  return [...planned.values()]
}

const knownFor = (home: string, { resolved, port }: Planned, warn: (line: string) => void): string[] => {
  const files = resolved.knownHostsFiles.length > 0 ? resolved.knownHostsFiles : ['known_hosts', 'known_hosts2']
  const name = resolved.hostKeyAlias ?? knownHostName(resolved.hostName, port)
  const entries: readonly KnownHost[] = files.flatMap(
    file => parseKnownHosts(readText(pathOf(home, file)), file).entries,
  )
  const speaking = entriesFor(entries, name)
  for (const { marker, where } of speaking)
    if (marker !== 'none') warn(`${where}: @${marker} is not copied; it belongs into the service's ssh/known_hosts`)
  const plain = speaking.filter(entry => entry.marker === 'none').map(entry => `${entry.type} ${entry.key}`)
  return [...new Set(plain)].slice(0, hostKeysMax)
}

/** Stores the private keys a host would be shown; the same key is stored once. */
const storeKeys = async (
  mote: Mote,
  home: string,
  { resolved }: Planned,
  stored: Map<string, string>,
): Promise<string[]> => {
  const files = resolved.identityFiles.length > 0 ? resolved.identityFiles : keyNames
  const references: string[] = []
  for (const path of files.map(file => pathOf(home, file)).filter(file => existsSync(file))) {
    const text = readFileSync(path, 'utf8')
    if (!text.includes('PRIVATE KEY')) continue
    const id = createHash('sha256').update(text).digest('hex').slice(0, 12)
    const name = `ssh/imported/${basename(path).replaceAll(/[^A-Za-z0-9._-]/g, '_')}-${id}`
    if (!stored.has(id)) await mote.putSecret(name, text)
    stored.set(id, name)
    references.push(`secret:${name}`)
  }
  return references
}

/**
 * Copies the hosts of an ssh config into the service: how they are reached and which host keys are trusted. Private keys stay here unless
 * `withKeys` says otherwise; then the service keeps them encrypted.
 */
export const importSshConfig = async (context: Context, options: ImportSshOptions): Promise<number> => {
  const { terminal } = context
  const home = homedir()
  const file = typeof options.sshConfig !== 'string' ? join(home, '.ssh', 'config') : options.sshConfig
  if (!existsSync(file)) throw new Fault(2, `--ssh-config: ${file} does not exist`)
  const warn = (line: string) => terminal.error(line)
  const config = parseSshConfig(readFileSync(file, 'utf8'), file, pattern =>
    globSync(pathOf(home, pattern))
      .toSorted()
      .map(path => ({ path, text: readFileSync(path, 'utf8') })),
  )
  config.warnings.forEach(warn)
  const { mote } = await context.client()
  const stored = new Map<string, string>()
  const done: { name: string; to: string; hostKeys: number; identities: number; state: string }[] = []
  for (const one of planOf(config, warn)) {
    const hostKeys = knownFor(home, one, warn)
    const identity = options.withKeys === true ? await storeKeys(mote, home, one, stored) : []
    const { hostName, strictHostKeyChecking: strict } = one.resolved
    const acceptNew = strict === 'accept-new' || strict === 'no'
    const body: AddHost = {
      name: one.name,
      ssh: {
        address: hostName,
        port: one.port,
        user: one.user,
        ...(identity.length > 0 ? { identity } : {}),
        ...(one.jump === undefined ? {} : { jump: one.jump }),
        ...(acceptNew ? { hostKey: 'accept-new' as const } : {}),
      },
      ...(hostKeys.length > 0 ? { hostKeys } : {}),
    }
    const state = await addOrChange(mote, body, options.change === true).then(
      () => 'imported',
      (error: unknown) => {
        if (!isClientError(error, 'problem')) throw error
        warn(`${one.name}: ${error.message}${error.status === 409 ? '; --change does that' : ''}`)
        return 'refused'
      },
    )
    const to = `${one.user}@${hostName}${one.port === 22 ? '' : `:${one.port}`}`
    done.push({ name: one.name, to, hostKeys: hostKeys.length, identities: identity.length, state })
  }
  if (options.json === true) printJson(terminal, done)
  else {
    const rows = done.map(one => [one.name, one.to, String(one.hostKeys), String(one.identities), one.state])
    const bad = (at: number) => (done[at]?.state === 'refused' ? terminal.paint.bad : (text: string) => text)
    const { paint, columns: width } = terminal
    terminal.out(table(['HOST', 'REACHED AS', 'HOST KEYS', 'KEYS', 'STATE'], rows, { paint, width, colour: bad }))
    terminal.out(`${count(done.length, 'host')}\n`)
    if (done.some(one => one.hostKeys === 0 && one.state === 'imported'))
      terminal.error(
        'hosts without a known host key are refused until one is given: hosts add --change --host-key, or --accept-new',
      )
    if (options.withKeys !== true)
      terminal.error(
        "private keys stayed here; --with-keys copies them, or authorize a key of the service's SSH folder",
      )
  }
  return done.some(one => one.state === 'refused') ? 1 : 0
}
