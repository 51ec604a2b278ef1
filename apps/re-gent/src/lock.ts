import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { AgentExit, exitCodes } from './exit.ts'

/**
 * Where the lock of a folder listens. On Linux an abstract socket, which the kernel frees when its process dies however
 * it dies; elsewhere a socket file, which a dead process leaves behind.
 */
const lockName = (folder: string): string =>
  process.platform === 'linux'
    ? `\0re-gent-${createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)}`
    : join(folder, 'lock.sock')

const listen = (path: string): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const server = createServer(peer => {
      peer.on('error', () => peer.destroy())
      peer.end(String(process.pid))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null)
      else reject(error)
    })
    server.listen(path, () => resolve(server))
  })

/** The pid of the process that holds the lock, or `null` when nobody answers. */
const holder = (path: string): Promise<string | null> =>
  new Promise(resolve => {
    let text = ''
    const peer = connect(path)
    peer.setTimeout(1000, () => peer.destroy())
    peer.on('data', chunk => (text += chunk.toString('utf8').slice(0, 16)))
    peer.on('error', () => resolve(null))
    peer.on('close', () => resolve(/^\d+$/.test(text) ? text : null))
  })

/** Takes the state folder for this process alone; throws AgentExit (code 3) when another agent has it. */
export const lockFolder = async (folder: string): Promise<{ release(): void }> => {
  const path = lockName(folder)
  let server = await listen(path)
  if (!server) {
    const pid = await holder(path)
    const stale = pid === null && process.platform !== 'linux'
    if (stale) rmSync(path, { force: true })
    server = stale ? await listen(path) : null
    if (!server)
      throw new AgentExit(exitCodes.running, `already running as pid ${pid ?? 'unknown'} on the state folder ${folder}`)
  }
  const held = server
  held.unref()
  return { release: () => void held.close() }
}
