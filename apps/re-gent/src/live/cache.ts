import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import type { SignedModule } from '@re-ops/protocols'

const bytesMax = 64 * 1024 * 1024
const filesMax = 256

/** Modules on disk by hash. What is read is verified by who asks: a file is no more trusted than a message. */
export type ModuleCache = {
  read(hash: string): SignedModule | null
  /** A little later, when the call that needs the module has its answer. */
  write(module: SignedModule): void
  remove(hashes: readonly string[]): void
  /** Writes what is not written yet. */
  close(): void
}

const writeAfterMs = 2_000

/** A cache may be lost, so nothing is synced; a full or broken disk costs a pull and no more. */
export const openModuleCache = (folder: string, onFault: (error: unknown) => void): ModuleCache => {
  const pathOf = (hash: string): string => join(folder, `${hash}.json`)
  const trim = (): void => {
    const files = readdirSync(folder).map(name => {
      const { size, mtimeMs } = statSync(join(folder, name))
      return { name, size, mtimeMs }
    })
    let bytes = 0
    files
      .toSorted((a, b) => b.mtimeMs - a.mtimeMs)
      .forEach(({ name, size }, n) => {
        bytes += size
        if (n >= filesMax || bytes > bytesMax) rmSync(join(folder, name), { force: true })
      })
  }
  const tried = <A>(work: () => A): A | null => {
    try {
      return work()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') onFault(error)
      return null
    }
  }
  const save = (module: SignedModule): void =>
    void tried(() => {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      const path = pathOf(module.hash)
      writeFileSync(`${path}.tmp`, JSON.stringify(module), { mode: 0o600 })
      renameSync(`${path}.tmp`, path)
    })
  const due = new Map<string, SignedModule>()
  let timer: NodeJS.Timeout | undefined
  const flush = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (due.size === 0) return
    for (const module of due.values()) save(module)
    due.clear()
    tried(trim)
  }
  return {
    read: hash =>
      existsSync(pathOf(hash))
        ? tried(() => {
            const module: unknown = JSON.parse(readFileSync(pathOf(hash), 'utf8'))
            utimesSync(pathOf(hash), new Date(), new Date()) // the one used longest ago goes first
            return typeof module === 'object' && module !== null ? (module as SignedModule) : null
          })
        : null,
    write: module => {
      due.set(module.hash, module)
      timer ??= setTimeout(flush, writeAfterMs)
    },
    remove: hashes => {
      for (const hash of hashes) {
        due.delete(hash)
        tried(() => rmSync(pathOf(hash), { force: true }))
      }
    },
    close: flush,
  }
}
