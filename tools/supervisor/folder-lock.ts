import { createHash } from 'node:crypto'
import { realpathSync, rmSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { codeOf, SupervisorError } from './fault.ts'

/**
 * Where the supervisor of a folder listens. On Linux an abstract socket, which the kernel frees however its process
 * dies; elsewhere a socket file, which a killed process leaves behind.
 */
const addressOf = (folder: string): string =>
  process.platform === 'linux'
    ? `\0re-ops-${createHash('sha256').update(realpathSync(folder)).digest('hex').slice(0, 32)}`
    : join(folder, 'supervisor.sock')

const answerMs = 1_000

const listen = (address: string): Promise<Server | null> =>
  new Promise((resolve, reject) => {
    const server = createServer(peer => {
      peer.on('error', () => peer.destroy())
      peer.end(String(process.pid))
    })
    server.once('error', error => {
      if (codeOf(error) === 'EADDRINUSE') resolve(null)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })

/** The pid of the process that answers there, or null. */
const holder = (address: string): Promise<string | null> =>
  new Promise(resolve => {
    let text = ''
    const peer = connect(address)
    peer.setTimeout(answerMs, () => peer.destroy())
    peer.on('data', chunk => {
      text = (text + chunk.toString('utf8')).slice(0, 16)
    })
    peer.on('error', () => resolve(null))
    peer.on('close', () => resolve(/^\d+$/.test(text) ? text : null))
  })

/** One supervisor per state folder, for as long as its process lives. */
export const lockFolder = async (folder: string): Promise<{ release(): void }> => {
  const address = addressOf(folder)
  let server = await listen(address)
  if (!server) {
    const pid = await holder(address)
    if (pid === null && process.platform !== 'linux') {
      rmSync(address, { force: true })
      server = await listen(address)
    }
    if (!server)
      throw new SupervisorError(
        `${folder} is in use by another supervisor (pid ${pid ?? 'unknown'}); stop that one, or choose another folder with --state or REOPS_STATE`,
      )
  }
  const held = server
  return { release: () => void held.close() }
}
