import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { constants, homedir } from 'node:os'
import { join } from 'node:path'
import { isClientError } from '@re-ops/client'
import type { Host, System, Word } from '@re-ops/protocols'
import { wholeNumber } from '../arguments/labels.ts'
import type { Context } from '../context.ts'
import { Fault, usage } from '../fault.ts'
import { sshArguments, type SshWish } from '../ssh/arguments.ts'
import { sshTargetOf, type Known, type SshTarget } from '../ssh/target.ts'

export type SshOptions = SshWish & { readonly print?: boolean }

const named = <T extends { readonly id: string; readonly name: string }>(all: readonly T[], word: string): T[] =>
  all.filter(one => one.name === word || one.id === word)

/** Of a service that is there; without one nothing is known. */
const asked = async <T>(url: string | undefined, ask: () => Promise<T>, none: T): Promise<T> =>
  url === undefined ? none : ask()

const hostFor = (word: string, system: System | null, hosts: readonly Host[]): Host | null => {
  const own = hosts.find(host => host.id === system?.host)
  if (own !== undefined) return own
  const found = named(hosts, word)
  const [only = null] = found
  if (found.length > 1)
    throw usage(`${found.length} hosts are called ${word}; give an id: ${found.map(one => one.id).join(', ')}`)
  return only
}

/** All that the services know of a name. Throws Fault 2 when neither knows it. */
const lookUp = async (context: Context, word: string): Promise<Known> => {
  const { core, mote } = await context.client()
  const { coreUrl, moteUrl } = context.cluster()
  const [systems, hosts] = await Promise.all([
    asked<System[]>(coreUrl, () => core.systems(), []),
    asked<Host[]>(moteUrl, () => mote.hosts(), []),
  ])
  const [system = null] = named(systems, word)
  const found = hostFor(word, system, hosts)
  if (system === null && found === null)
    throw usage(
      `no system and no host is called ${word}; \`reops systems list\` and \`reops hosts\` show what there is`,
    )
  // Alone it comes with the keys that are trusted for it.
  const host = found === null ? null : await mote.host(found.id)
  const words = system === null ? [] : await core.words().catch(noWords)
  return { system, host, images: imagesOf(words), hosts: new Map(hosts.map(one => [one.name, one])) }
}
const noWords = (error: unknown): Word[] => {
  if (isClientError(error)) return []
  throw error
}
const imagesOf = (words: readonly Word[]): Known['images'] =>
  Object.fromEntries(words.flatMap(({ kind, name, body }) => (kind === 'images' && 'on' in body ? [[name, body]] : [])))

const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 're-ops/ssh')

/** Known keys stand in a file of the target's own; those that are taken the first time in one for all machines. */
const writeKnown = (target: SshTarget): string => {
  const folder = cacheFolder()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const { alias: name } = target
  if (target.hostKeys.length === 0 || name === null) return join(folder, 'known_hosts')
  const path = join(folder, name.replace(/[^A-Za-z0-9.-]/g, '_'))
  writeFileSync(path, target.hostKeys.map(key => `${name} ${key}\n`).join(''), { mode: 0o600 })
  return path
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

const runSsh = (words: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn('ssh', words, { stdio: 'inherit' })
    child.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ENOENT' ? new Fault(3, 'there is no ssh here; Debian has it in openssh-client') : error),
    )
    child.once('close', (code, signal) => resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })

/** Logs in with the ssh of this machine; answers its exit code. `words` are those that should stand behind `--`. */
export const ssh = async (
  context: Context,
  word: string,
  { command, words: astray }: { readonly command: readonly string[] | null; readonly words: readonly string[] },
  options: SshOptions,
): Promise<number> => {
  if (astray.length > 0)
    throw usage(`a command stands behind \`--\`: \`reops ssh ${word} -- ${[...astray, ...(command ?? [])].join(' ')}\``)
  if (command?.length === 0) throw usage('no command behind `--`')
  if (options.port !== undefined) wholeNumber(options.port, '--port', 1, 65_535)
  if (options.user !== undefined && !/^[A-Za-z_][\w.@-]*$/.test(options.user))
    throw usage(`--user: \`${options.user}\` is not a user's name`)
  const target = sshTargetOf(word, await lookUp(context, word))
  const words = sshArguments(target, options, { knownHosts: writeKnown(target), command: command ?? [] })
  if (options.print === true) {
    context.terminal.out(`${['ssh', ...words].map(quoted).join(' ')}\n`)
    return 0
  }
  // Ctrl-C is for what runs there; ssh passes it on.
  const release = context.interruptible(() => undefined)
  try {
    return await runSsh(words)
  } finally {
    release()
  }
}
