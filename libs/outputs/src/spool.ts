import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Overflow } from './collector.ts'
import type { StreamName } from './outputs.ts'

export type SpoolOptions = {
  /** A folder for this alone; made when absent. */
  readonly folder: string
  /** Bytes of all streams together, and of one. */
  readonly bytesMax: number
  readonly streamBytesMax: number
}
/** Long outputs on disk, found by call and stream for as long as there is room. */
export type Spool = {
  open(call: string, stream: StreamName): Promise<Overflow>
  /** What is kept of that stream of an ended call; null when nothing is. */
  find(call: string, stream: StreamName): Promise<Pick<Overflow, 'read' | 'size' | 'cut'> | null>
}

type Kept = { readonly size: number; readonly cut: boolean; readonly at: number }
const fileName = /^[0-9a-f-]{36}\.(?:stdout|stderr)(\.cut)?$/

/** Opens the folder with what an earlier process left in it: streams that it did not finish count as cut. */
export const openSpool = async ({ folder, bytesMax, streamBytesMax }: SpoolOptions): Promise<Spool> => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const kept = new Map<string, Kept>()
  let used = 0
  const pathOf = (name: string, { cut }: { readonly cut: boolean }) => join(folder, cut ? `${name}.cut` : name)
  const found: [string, Kept][] = []
  for (const file of await readdir(folder)) {
    const { size, mtimeMs } = await stat(join(folder, file))
    if (file.endsWith('.part')) {
      const name = file.slice(0, -'.part'.length)
      await rename(join(folder, file), join(folder, `${name}.cut`))
      found.push([name, { size, cut: true, at: mtimeMs }])
    } else if (fileName.test(file))
      found.push([file.replace(/\.cut$/, ''), { size, cut: file.endsWith('.cut'), at: mtimeMs }])
  }
  for (const [name, one] of found.sort(([, a], [, b]) => a.at - b.at)) {
    kept.set(name, one)
    used += one.size
  }
  /** The oldest go first. Those that are being written never do. */
  const makeRoom = async (bytes: number): Promise<boolean> => {
    for (const [name, one] of kept) {
      if (used + bytes <= bytesMax) break
      kept.delete(name)
      used -= one.size
      await rm(pathOf(name, one), { force: true })
    }
    return used + bytes <= bytesMax
  }
  const readAt = async (path: string, at: number, bytes: number): Promise<Uint8Array> => {
    const file = await open(path, 'r')
    try {
      const buffer = Buffer.allocUnsafe(bytes)
      const { bytesRead } = await file.read(buffer, 0, bytes, at)
      return buffer.subarray(0, bytesRead)
    } finally {
      await file.close()
    }
  }
  return {
    open: async (call, stream) => {
      const name = `${call}.${stream}`
      const part = join(folder, `${name}.part`)
      const file = await open(part, 'w', 0o600)
      let [size, cut, path] = [0, false, part]
      let finishing: Promise<void> | undefined
      const finish = async () => {
        await file.close()
        path = pathOf(name, { cut })
        await rename(part, path)
        kept.set(name, { size, cut, at: Date.now() })
      }
      return {
        write: async bytes => {
          const rest = Math.max(0, Math.min(bytes.length, streamBytesMax - size))
          const takes = rest > 0 && (await makeRoom(rest)) ? rest : 0
          if (takes < bytes.length) cut = true
          if (takes === 0) return
          used += takes
          try {
            await file.write(bytes, 0, takes)
            size += takes
          } catch {
            used -= takes // the disk is full: what there is, is what there is
            cut = true
          }
        },
        read: (at, max) => readAt(path, at, Math.min(max, Math.max(0, size - at))),
        get size() {
          return size
        },
        get cut() {
          return cut
        },
        finish: () => (finishing ??= finish()),
      }
    },
    find: async (call, stream) => {
      const name = `${call}.${stream}`
      const one = kept.get(name)
      if (!one) return null
      return { ...one, read: (at, max) => readAt(pathOf(name, one), at, Math.min(max, Math.max(0, one.size - at))) }
    },
  }
}
