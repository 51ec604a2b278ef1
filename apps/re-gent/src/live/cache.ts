import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SignedModule } from '@re-ops/protocols'
import { Check } from 'typebox/value'

const bytesMax = 64 * 1024 * 1024
const filesMax = 256

/** Modules on disk by hash. What is read is checked by who asks: a file is no more trusted than a message. */
export type ModuleCache = {
  read(hash: string): SignedModule | null
  write(module: SignedModule): void
  remove(hashes: readonly string[]): void
}

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
  return {
    read: hash =>
      tried(() => {
        const module: unknown = JSON.parse(readFileSync(pathOf(hash), 'utf8'))
        utimesSync(pathOf(hash), new Date(), new Date()) // the one used longest ago goes first
        return Check(SignedModule, module) ? module : null
      }),
    write: module =>
      void tried(() => {
        mkdirSync(folder, { recursive: true, mode: 0o700 })
        const path = pathOf(module.hash)
        writeFileSync(`${path}.tmp`, JSON.stringify(module), { mode: 0o600 })
        renameSync(`${path}.tmp`, path)
        trim()
      }),
    remove: hashes => hashes.forEach(hash => tried(() => rmSync(pathOf(hash), { force: true }))),
  }
}
