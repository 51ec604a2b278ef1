import { cp, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** A file of a guest beside what its packages bring. `from` is a path of this machine, folders included. */
export type Piece =
  | { readonly path: string; readonly text: string; readonly mode?: number }
  | { readonly path: string; readonly link: string }
  | { readonly path: string; readonly from: string }
  | { readonly path: string; readonly folder: true; readonly mode?: number }

/** Debian 12 has these as links into /usr; packages still name them. */
const merged = ['bin', 'sbin', 'lib', 'lib64'] as const

export const emptyRootfs = async (folder: string): Promise<void> => {
  for (const name of merged) {
    await mkdir(join(folder, 'usr', name), { recursive: true })
    await symlink(`usr/${name}`, join(folder, name))
  }
  for (const name of ['dev', 'proc', 'sys', 'run', 'root', 'etc', 'var/lib', 'tmp'])
    await mkdir(join(folder, name), { recursive: true })
}

export const put = async (folder: string, piece: Piece): Promise<void> => {
  const path = join(folder, piece.path)
  await mkdir(dirname(path), { recursive: true })
  if ('folder' in piece) return void (await mkdir(path, { recursive: true, mode: piece.mode ?? 0o755 }))
  await rm(path, { recursive: true, force: true })
  if ('link' in piece) return symlink(piece.link, path)
  if ('from' in piece) return cp(piece.from, path, { recursive: true, dereference: true })
  return writeFile(path, piece.text, { mode: piece.mode ?? 0o644 })
}

/** What no program of a guest reads. */
const needless = [
  'usr/share/doc',
  'usr/share/man',
  'usr/share/locale',
  'usr/share/info',
  'usr/share/lintian',
  'usr/share/bug',
]
export const trim = async (folder: string, more: readonly string[] = []): Promise<void> => {
  for (const path of [...needless, ...more]) await rm(join(folder, path), { recursive: true, force: true })
}
