import { open, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { ProviderError, type MachineConsole } from '@re-ops/protocols'
import { folderOf, logOf, readMachine } from './machine.ts'
import { checkRef } from './observe.ts'
import type { LocalDeps } from './start.ts'

const lookMs = 250
const pieceBytesMax = 49_152
/** Of what was written before. */
const tailBytes = 65_536

const sizeOf = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).size
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

const pieceOf = async (path: string, at: number): Promise<Uint8Array> => {
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytesMax), 0, pieceBytesMax, at)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

/** What a file has got, from its last bytes on, until it is removed. One that is cut begins again. */
async function* follow(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let at = Math.max(0, ((await sizeOf(path)) ?? 0) - tailBytes)
  while (!signal.aborted) {
    const size = await sizeOf(path)
    if (size === null) return
    if (size < at) at = 0
    if (size === at) await pause(lookMs, undefined, { signal }).catch(() => undefined)
    else {
      const piece = await pieceOf(path, at)
      at += piece.length
      yield piece
    }
  }
}

/** A process has no console: the log of the agent, as it grows. */
export const openConsole = async ({ root }: LocalDeps, ref: string): Promise<MachineConsole> => {
  checkRef(ref)
  const folder = folderOf(root, ref)
  if ((await readMachine(folder)) === null)
    throw new ProviderError('not-found', 'not-applied', `there is no machine ${ref}`)
  const closed = new AbortController()
  return { output: follow(logOf(folder), closed.signal), close: () => closed.abort() }
}
