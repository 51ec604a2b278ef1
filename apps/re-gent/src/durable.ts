import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** A folder for us alone, and every folder above it. */
export const makeFolder = (path: string): void => {
  mkdirSync(path, { recursive: true, mode: 0o700 })
}

/** Makes names in a folder durable: a file that is synced is still lost with its folder's entry. */
export const syncFolder = (path: string): void => {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const writeSynced = (path: string, text: string): void => {
  const fd = openSync(path, 'wx', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

const temporary = (path: string): string => {
  const name = `${path}.${process.pid}.tmp`
  rmSync(name, { force: true })
  return name
}

/** Replaces a file so that a reader, or a crash, sees the old text or the new one, never a part. */
export const writeAtomic = (path: string, text: string): void => {
  const name = temporary(path)
  writeSynced(name, text)
  renameSync(name, path)
  syncFolder(dirname(path))
}

/** Creates a file whole and durable, or answers `false` when it is there already (`link` is O_EXCL for whole files). */
export const createOnce = (path: string, text: string): boolean => {
  const name = temporary(path)
  writeSynced(name, text)
  try {
    linkSync(name, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(name, { force: true })
  }
  syncFolder(dirname(path))
  return true
}
