import type { SshHost } from './host.ts'

/** The settings of hosts, read once and kept until they change. */
export type Directory = {
  hostOf(id: string): Promise<SshHost | null>
  findHost(name: string): Promise<SshHost | null>
  /** Something changed, here or in another process, or may have. */
  changed(): void
}
export type DirectoryDeps = {
  readByIds(ids: readonly string[]): Promise<readonly SshHost[]>
  readByName(name: string): Promise<SshHost | null>
}

const keptMax = 20_000

export const makeDirectory = ({ readByIds, readByName }: DirectoryDeps): Directory => {
  let byId = new Map<string, Promise<SshHost | null>>()
  let byName = new Map<string, Promise<SshHost | null>>()
  let wanted: { readonly ids: Set<string>; readonly found: Promise<Map<string, SshHost>> } | null = null

  const keep = <T>(kept: Map<string, Promise<T>>, key: string, read: () => Promise<T>): Promise<T> => {
    const known = kept.get(key)
    if (known) return known
    if (kept.size >= keptMax) kept.clear()
    const reading = read()
    kept.set(key, reading)
    reading.catch(() => kept.delete(key))
    return reading
  }
  /** Who asks in the same turn of the event loop is read together. */
  const readTogether = async (id: string): Promise<SshHost | null> => {
    if (wanted === null) {
      const ids = new Set<string>()
      const found = new Promise(resolve => setImmediate(resolve)).then(async () => {
        wanted = null
        return new Map((await readByIds([...ids])).map(host => [host.id, host]))
      })
      wanted = { ids, found }
    }
    wanted.ids.add(id)
    return (await wanted.found).get(id) ?? null
  }
  return {
    hostOf: id => keep(byId, id, () => readTogether(id)),
    findHost: name => keep(byName, name, () => readByName(name)),
    changed: () => {
      byId = new Map()
      byName = new Map()
    },
  }
}
