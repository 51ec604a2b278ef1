import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartError } from './start-error.ts'

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
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
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
    await mkdir(path, { recursive: true, mode: 0o700 })
    const probe = join(path, `.probe-${randomUUID()}`)
    await writeFile(probe, '')
    await rm(probe)
    return path
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    throw new StartError(`state folder ${path} cannot be written (${code}); set ${variable} to a folder of your own`)
  }
}
