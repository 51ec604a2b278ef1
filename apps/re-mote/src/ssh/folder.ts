import { chmod, readFile, stat } from 'node:fs/promises'
import { globSync, readFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import {
  entriesFor,
  knownHostLine,
  parseKnownHosts,
  parseSshConfig,
  type KnownHost,
  type ReadIncluded,
  type SshConfig,
} from '@re-ops/protocols/ssh'
import { ensureFolder, replaceFile, type Log } from '@re-ops/service'

/** The service's own SSH folder: `config`, `known_hosts`, keys. Never the folder of a user. */
export type SshFolder = {
  readonly path: string
  /** `~/.ssh/x`, `~/x` and `x` are files of this folder; an absolute path is itself. */
  resolve(path: string): string
  /** A private key or the like; null when there is none. Throws when others may read it. */
  secretFile(path: string): Promise<string | null>
  config(): Promise<SshConfig>
  knownHosts(files?: readonly string[]): Promise<readonly KnownHost[]>
  /** Trusts a key from now on. */
  addKnownHost(name: string, key: Uint8Array): Promise<void>
  /** Trusts these keys and no others (of those in known_hosts that are neither hashed for others nor marked). */
  replaceKnownHosts(name: string, keys: readonly Uint8Array[]): Promise<void>
}

const fileBytesMax = 8 * 1024 * 1024
const keyBytesMax = 64 * 1024

const textOf = async (path: string): Promise<string | null> => {
  try {
    const found = await stat(path)
    if (found.size > fileBytesMax) throw new Error(`${path} is larger than ${fileBytesMax} bytes`)
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

/** Reads again when the file is another one than before. Many hosts that ask at once share one look at it. */
const cached = <T>(parse: (text: string, path: string) => T) => {
  const known = new Map<string, { readonly stamp: string; readonly value: T }>()
  const looks = new Map<string, Promise<T>>()
  const look = async (path: string): Promise<T> => {
    const found = await stat(path).catch(() => null)
    const stamp = found ? `${found.mtimeMs} ${found.size} ${found.ino}` : 'none'
    const before = known.get(path)
    if (before?.stamp === stamp) return before.value
    const value = parse((await textOf(path)) ?? '', path)
    known.set(path, { stamp, value })
    return value
  }
  return (path: string): Promise<T> => {
    const under = looks.get(path)
    if (under) return under
    const begun = look(path).finally(() => looks.delete(path))
    looks.set(path, begun)
    return begun
  }
}

export const openSshFolder = async (state: string, log: Log): Promise<SshFolder> => {
  const path = await ensureFolder(join(state, 'ssh'), 'REOPS_STATE')
  await chmod(path, 0o700)
  const knownHostsFile = join(path, 'known_hosts')
  const resolve = (file: string): string => {
    const own = file.replace(/^~\/(\.ssh\/)?/, '')
    return isAbsolute(own) ? own : join(path, own)
  }
  const warn = (warnings: readonly string[]) => {
    for (const warning of warnings) log.warn({ ssh: warning }, 'SSH folder')
  }
  const included: ReadIncluded = pattern =>
    globSync(resolve(pattern))
      .toSorted()
      .map(file => ({ path: file, text: readFileSync(file, 'utf8') }))
  const readConfig = cached((text, file) => {
    const config = parseSshConfig(text, file, included)
    warn(config.warnings)
    return config
  })
  const readKnown = cached((text, file) => {
    const known = parseKnownHosts(text, file)
    warn(known.warnings)
    return known.entries
  })
  // One change of known_hosts at a time.
  let changing: Promise<unknown> = Promise.resolve()
  const change = (edit: (text: string) => string): Promise<void> => {
    const changed = changing.then(async () => {
      const before = (await textOf(knownHostsFile)) ?? ''
      const after = edit(before === '' || before.endsWith('\n') ? before : `${before}\n`)
      if (after !== before) await replaceFile(knownHostsFile, after)
    })
    changing = changed.catch(() => undefined)
    return changed
  }
  return {
    path,
    resolve,
    secretFile: async file => {
      const at = resolve(file)
      const found = await stat(at).catch(() => null)
      if (!found?.isFile()) return null
      if ((found.mode & 0o077) !== 0) throw new Error(`${at} may be read by others; chmod 600 it`)
      if (found.size > keyBytesMax) throw new Error(`${at} is larger than ${keyBytesMax} bytes`)
      return readFile(at, 'utf8')
    },
    config: () => readConfig(join(path, 'config')),
    knownHosts: async (files = []) =>
      (await Promise.all([...new Set([knownHostsFile, ...files.map(resolve)])].map(file => readKnown(file)))).flat(),
    addKnownHost: (name, key) =>
      change(text => {
        const line = knownHostLine(name, key)
        return text.split('\n').includes(line.trimEnd()) ? text : text + line
      }),
    replaceKnownHosts: (name, keys) =>
      change(text => {
        const kept = text.split('\n').filter(line => line !== '' && !isPlainLineOf(line, name))
        return [...kept.map(line => `${line}\n`), ...keys.map(key => knownHostLine(name, key))].join('')
      }),
  }
}

/** A line that gives a key to this name alone; one with more names or a marker is the operator's own. */
const isPlainLineOf = (line: string, name: string): boolean => {
  const [entry] = parseKnownHosts(line, '').entries
  if (entry?.marker !== 'none' || entry.names.length !== 1 || /[*?!]/.test(entry.names[0] ?? '')) return false
  return entriesFor([entry], name).length === 1
}
