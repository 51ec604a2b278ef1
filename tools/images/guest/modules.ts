import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { ImageError } from './fault.ts'

export type Module = { readonly name: string; readonly bytes: Buffer }

/** Names are written with either sign in packages and in programs. */
const plain = (name: string): string => name.replaceAll('-', '_')

/** What a module says of itself, `key=value` with a zero behind: packages bring no list of dependencies of their own. */
const dependsOf = (bytes: Buffer): readonly string[] => {
  const mark = Buffer.from('\0depends=')
  const at = bytes.indexOf(mark)
  if (at < 0) return []
  const from = at + mark.length
  return bytes
    .toString('latin1', from, bytes.indexOf(0, from))
    .split(',')
    .filter(name => name !== '')
}

const softDepends = { ext4: ['crc32c_generic'] } as const satisfies Record<string, readonly string[]>

/** For modprobe: none of them needs another, since they are given in their order. */
export const loadOrder = (modules: readonly Module[]): string => modules.map(({ name }) => `${name}.ko:\n`).join('')

/**
 * These modules of a kernel and all they need, in an order in which they can be loaded. Those that the kernel has built
 * in are left out. Throws ImageError for one that it has not at all.
 */
export const modulesFor = (folder: string, names: readonly string[]): readonly Module[] => {
  const paths = new Map(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(path => path.endsWith('.ko'))
      .map(path => [plain(basename(path, '.ko')), join(folder, path)] as const),
  )
  const builtin = new Set(
    readFileSync(join(folder, 'modules.builtin'), 'utf8')
      .split('\n')
      .map(line => plain(basename(line, '.ko'))),
  )
  const found = new Map<string, Module>()
  const take = (asked: string): void => {
    const name = plain(asked)
    if (found.has(name) || builtin.has(name)) return
    const path = paths.get(name)
    if (path === undefined) throw new ImageError(`the kernel in ${folder} has no module ${name}`)
    const bytes = readFileSync(path)
    for (const one of [...dependsOf(bytes), ...(softDepends[name as 'ext4'] ?? [])]) take(one)
    found.set(name, { name, bytes })
  }
  for (const name of names) take(name)
  return [...found.values()]
}
