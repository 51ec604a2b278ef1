import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { open, type ConnectOptions, type Libvirt } from '../index.ts'

/** A libvirtd of one's own: no privileges, its own socket and state, no one else's machines. */
export type PrivateDaemon = {
  readonly pid: number
  readonly socket: string
  readonly folder: string
  /** With the socket in it, for a driver such as `test:///default` or `storage:///session`. */
  uri(driver: string): string
  connect(driver: string, options?: ConnectOptions): Promise<Libvirt>
  /** kill -9: what `test:///default` held is gone. */
  kill(): Promise<void>
  /** After `kill`: the same socket again. */
  start(): Promise<void>
  /** Ends it and takes its folder away. */
  stop(): Promise<void>
}

/** Root may not run it as itself, or it would be the system's; this user owns nothing. */
const nobody = 65_534
const startMs = 60_000
/** It ends by itself when whoever started it is gone. */
const idleSeconds = '60'

const ended = (child: ChildProcess): Promise<void> =>
  child.exitCode !== null || child.signalCode !== null
    ? Promise.resolve()
    : new Promise(resolve => child.once('exit', () => resolve()))

/**
 * Starts one in a folder of its own under `parent` (the temporary folder unless told; its path must be short, a unix
 * socket has 107 bytes). While any client is connected to it, `test:///default` keeps its state; one stays connected.
 */
export const startPrivateDaemon = async (parent = tmpdir()): Promise<PrivateDaemon> => {
  const folder = await mkdtemp(join(parent, 'lv-'))
  const owner = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}
  const runtime = join(folder, 'run')
  const home = join(folder, 'home')
  await chmod(folder, 0o755)
  for (const path of [runtime, home]) {
    await mkdir(path, { mode: 0o700 })
    if (owner.uid !== undefined) await chown(path, owner.uid, owner.gid)
  }
  const socket = join(runtime, 'libvirt/libvirt-sock')
  const env = { PATH: `${process.env['PATH']}:/usr/sbin`, HOME: home, XDG_RUNTIME_DIR: runtime, TMPDIR: home }
  let said = ''
  let child: ChildProcess
  let anchor: Libvirt | null = null
  const uri = (driver: string) => `${driver}?socket=${encodeURIComponent(socket)}`

  const start = async () => {
    const args = ['-p', join(runtime, 'pid'), '-t', idleSeconds]
    child = spawn('libvirtd', args, { ...owner, env, cwd: home, stdio: ['ignore', 'ignore', 'pipe'] })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-2_000)))
    const { promise: failed, reject } = Promise.withResolvers<never>()
    failed.catch(() => undefined)
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`libvirtd ended with ${code}: ${said}`)))
    const until = Date.now() + startMs
    // The socket is there a moment before anybody listens to it.
    const answers = async (): Promise<Libvirt> => {
      for (; ; await wait(20)) {
        const opened = existsSync(socket)
          ? open(uri('test:///default'), { connectTimeoutMs: startMs })
          : Promise.reject(new Error(`libvirtd has no socket after ${startMs} ms: ${said}`))
        const tried = await opened.catch((error: Error) => error)
        if (!(tried instanceof Error)) return tried
        if (Date.now() > until) throw tried
      }
    }
    anchor = await Promise.race([answers(), failed])
  }
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await ended(child)
    // A socket left by SIGKILL must not be taken for the next one's.
    await rm(socket, { force: true })
    await anchor?.close()
    anchor = null
  }
  const stop = async () => {
    await end('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
  await start().catch(async (error: unknown) => {
    await stop()
    throw error
  })
  return {
    get pid() {
      return child.pid ?? 0
    },
    socket,
    folder: home,
    uri,
    connect: (driver, options) => open(uri(driver), options),
    kill: () => end('SIGKILL'),
    start,
    stop,
  }
}
