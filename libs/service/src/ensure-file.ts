import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from './start-error.ts'

/**
 * A private folder and those above it. Not `mkdir({recursive})`: that never returns where the file system answers ENOENT although the
 * parent exists, as /proc does.
 */
export const makeFolder = async (path: string): Promise<void> => {
  const make = () => mkdir(path, { mode: 0o700 })
  try {
    await make()
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    const parent = dirname(path)
    const parentIsMissing = code === 'ENOENT' && parent !== path && !(await isFolder(parent))
    if (!parentIsMissing) throw error
    await makeFolder(parent)
    await makeFolder(path)
  }
}
const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    found => found.isDirectory(),
    () => false,
  )

/**
 * The text of a private file (0600), made by `make` when it does not exist. The new text becomes visible whole and at most
 * once (link is atomic and refuses an existing name), so processes that start together read the same text.
 */
export const ensureFile = async (path: string, make: () => string): Promise<string> => {
  const read = () => readFile(path, 'utf8')
  const missing = (error: NodeJS.ErrnoException): null => {
    if (error.code === 'ENOENT') return null
    throw error
  }
  const existing = await read().catch(missing)
  if (existing !== null) return existing
  await makeFolder(dirname(path))
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(make())
    await file.sync()
  } finally {
    await file.close()
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error
  })
  await rm(draft, { force: true })
  return read()
}

/** Replaces a file's text in one step: a reader sees the old or the new one, never a half. */
export const replaceFile = async (path: string, text: string, mode = 0o600): Promise<void> => {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode, flag: 'wx' })
  await rename(draft, path)
}

/** Makes a folder private to this user and proves that it can be written. Throws StartError naming the folder. */
export const ensureFolder = async (path: string, variable: string): Promise<string> => {
  try {
    await makeFolder(path)
    const probe = join(path, `.probe-${randomUUID()}`)
    await writeFile(probe, '')
    await rm(probe)
    return path
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new StartError(`state folder ${path} cannot be written (${code}); set ${variable} to a folder of your own`)
  }
}
