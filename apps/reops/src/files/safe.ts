import { createHash, randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readlink, rename, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../fault.ts'

const bad = (why: string): Fault => new Fault(1, why)

/**
 * A path that a host gave, as its parts; null when it could lead out of the folder it goes into. What hosts say is nobody's word: one that
 * was broken into must not write where it likes.
 */
export const partsOf = (path: string): readonly string[] | null => {
  const parts = path.split('/')
  const isBad = (part: string) => part === '' || part === '.' || part === '..' || /[\p{Cc}\\]/u.test(part)
  return path.length > 4_096 || parts.some(isBad) ? null : parts
}

/** The folder made of these parts below `base`, made when it is not there. A link on the way is refused: it could lead anywhere. */
export const folderIn = async (base: string, parts: readonly string[]): Promise<string> => {
  let at = base
  await mkdir(at, { recursive: true })
  for (const part of parts) {
    at = join(at, part)
    await mkdir(at).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
    if (!(await lstat(at)).isDirectory()) throw bad(`${at} is no folder (links are not followed); remove it first`)
  }
  return at
}

/** Writes a file below by rename, when its content has this hash. Never with set-id bits. */
export const writeIn = async (
  folder: string,
  name: string,
  { bytes, hash, mode }: { readonly bytes: AsyncIterable<Uint8Array>; readonly hash: string; readonly mode: number },
): Promise<string> => {
  const path = join(folder, name)
  const draft = join(folder, `.reops-${randomBytes(6).toString('hex')}.part`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = await open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    const sum = createHash('sha256')
    for await (const piece of bytes) {
      sum.update(piece)
      await file.writeFile(piece)
    }
    if (sum.digest('hex') !== hash) throw bad(`${path}: what came does not have the hash ${hash}`)
    await file.chmod(mode & 0o777)
    await file.close()
    await rename(draft, path)
    return path
  } catch (error) {
    await file.close().catch(() => undefined) // closed already
    await rm(draft, { force: true })
    throw error
  }
}

/** A link as it was there; it is only made, never followed. */
export const linkIn = async (folder: string, name: string, target: string): Promise<void> => {
  const path = join(folder, name)
  if ((await readlink(path).catch(() => null)) === target) return
  const draft = join(folder, `.reops-${randomBytes(6).toString('hex')}.part`)
  await symlink(target, draft)
  await rename(draft, path)
}
