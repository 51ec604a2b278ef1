import { closeSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { close, fsync, link, open, rename, rm, writeFile } from './files.ts'

/** A folder for us alone, and every folder above it. */
export const makeFolder = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** Makes names in a folder durable: a file that is synced is still lost with its folder's entry. */
export const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await fsync(folder)
  } finally {
    await close(folder)
  }
}

/** The same where nothing else may happen meanwhile. */
export const syncFolderNow = (path: string): void => {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Text in a new file beside `path`, synced. Gives its name. */
const writeBeside = async (path: string, text: string): Promise<string> => {
  const name = `${path}.${process.pid}.tmp`
  await rm(name, { force: true })
  const file = await open(name, 'wx', 0o600)
  try {
    await writeFile(file, text)
    await fsync(file)
  } finally {
    await close(file)
  }
  return name
}

/** Replaces a file so that a reader, or a crash, sees the old text or the new one, never a part. */
export const writeAtomic = async (path: string, text: string): Promise<void> => {
  await rename(await writeBeside(path, text), path)
  await syncFolder(dirname(path))
}

/** Creates a file whole and durable, or answers `false` when it is there already (`link` is O_EXCL for whole files). */
export const createOnce = async (path: string, text: string): Promise<boolean> => {
  const name = await writeBeside(path, text)
  try {
    await link(name, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    await rm(name, { force: true })
  }
  await syncFolder(dirname(path))
  return true
}
