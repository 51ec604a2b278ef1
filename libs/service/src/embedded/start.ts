import { chown } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { makeFolder } from '../ensure-file.ts'
import type { Log } from '../log.ts'
import { StartError } from '../start-error.ts'
import { asUnprivileged, type AsUser } from './as-user.ts'
import { findBinaries } from './binaries.ts'
import { spawnGuarded } from './guard.ts'
import { ensurePassword, exists, initialise } from './init.ts'
import { removeStaleLock } from './stale-lock.ts'

export type StartPostgres = {
  readonly folder: string
  readonly log: Log
  /** Default: any free port. */
  readonly port?: number
  /** Extra server settings, for example {fsync: 'off'} for throw-away clusters. */
  readonly settings?: Readonly<Record<string, string>>
  /** How long a server that is still ending in this folder is waited for, default 20 s. */
  readonly waitMs?: number
}
export type EmbeddedPostgres = {
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Fast shutdown: open transactions are rolled back. Resolves when the process has gone. */
  stop(): Promise<void>
  /** Resolves when the server has gone, wanted or not. */
  readonly exited: Promise<{ readonly wanted: boolean }>
}

const startWithinMs = 30_000
const defaultWaitMs = 20_000
const linesKept = 20

const freePort = (): Promise<number> =>
  new Promise((resolvePort, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0))
    })
  })

type Attempt =
  { readonly ok: true; readonly server: Omit<EmbeddedPostgres, 'url'> } | { readonly ok: false; readonly why: string }
type Launch = StartPostgres & { readonly command: readonly string[]; readonly user: AsUser; readonly port: number }

/** One try: resolves when the server says it is ready, or with its last words. */
const attempt = ({ command, user, folder, log, port }: Launch): Promise<Attempt> => {
  const guard = spawnGuarded(command, user, dirname(folder))
  const lines: string[] = []
  let pid = 0
  let wanted = false
  const exited = new Promise<{ wanted: boolean }>(done => {
    guard.once('close', () => done({ wanted }))
    guard.once('error', error => {
      lines.push(error.message)
      done({ wanted })
    })
  })
  const stop = async (): Promise<void> => {
    wanted = true
    guard.stdin?.end()
    await exited
  }
  // The guard may be gone when its pipe is closed.
  guard.stdin?.on('error', error => log.debug({ err: error }, 'closing the pipe of the Postgres guard'))
  return new Promise(settle => {
    const tooLate = setTimeout(() => {
      lines.push(`not ready within ${startWithinMs} ms`)
      void stop()
    }, startWithinMs)
    if (guard.stdout)
      createInterface({ input: guard.stdout }).on('line', line => (pid = Number(line.replace('pid ', ''))))
    if (guard.stderr) {
      createInterface({ input: guard.stderr }).on('line', line => {
        log.debug({ postgres: line }, 'postgres')
        if (lines.push(line) > linesKept) lines.shift()
        if (!line.includes('ready to accept connections')) return
        clearTimeout(tooLate)
        settle({ ok: true, server: { port, pid, stop, exited } })
      })
    }
    void exited.then(() => {
      clearTimeout(tooLate)
      settle({
        ok: false,
        why: lines.filter(l => /FATAL|HINT|not ready|ENOENT|unshare/.test(l)).join(' ') || lines.join(' '),
      })
    })
  })
}

const settingsOf = (port: number, extra: Readonly<Record<string, string>> = {}): readonly string[] =>
  Object.entries({
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '64MB',
    log_checkpoints: 'off',
    // A dead client's transaction must not hold its locks for the two hours of TCP's own keep-alive.
    tcp_keepalives_idle: '30',
    ...extra,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** After a kill -9 the old server's children need a moment to notice and let go of the shared memory and the lock. */
const passes = (why: string): boolean =>
  /shared memory block|postmaster\.pid|being shut down|data directory.*lock/i.test(why)
const portTaken = (why: string): boolean => /could not bind|could not create any TCP/i.test(why)

/**
 * A real PostgreSQL on loopback with a password, in `folder` (made when empty). It ends when this process ends, also by kill -9, and
 * starts again on the same folder after any kill. Throws StartError with the server's last words.
 */
export const startPostgres = async (options: StartPostgres): Promise<EmbeddedPostgres> => {
  const folder = resolve(options.folder)
  const binaries = findBinaries()
  const user = await asUnprivileged()
  await makeFolder(dirname(folder))
  const password = await ensurePassword(folder)
  if (!(await exists(join(folder, 'PG_VERSION')))) await initialise(binaries.initdb, folder, password, user)
  else if (user.ids) await chown(folder, user.ids.uid, user.ids.gid)
  const deadline = Date.now() + (options.waitMs ?? defaultWaitMs)
  for (;;) {
    const port = options.port || (await freePort())
    const command = [binaries.postgres, '-D', folder, ...settingsOf(port, options.settings)]
    if (await removeStaleLock(folder)) options.log.info({ folder }, 'removed the lock of a PostgreSQL that is gone')
    const tried = await attempt({ ...options, folder, command, user, port })
    if (tried.ok) {
      options.log.info({ port, postgresPid: tried.server.pid, folder }, 'embedded PostgreSQL is ready')
      return { ...tried.server, url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres` }
    }
    const again = passes(tried.why) || (portTaken(tried.why) && !options.port)
    if (portTaken(tried.why) && options.port)
      throw new StartError(
        `port ${port} for embedded PostgreSQL on 127.0.0.1 is in use; choose another port or stop the other process`,
      )
    if (!again || Date.now() > deadline) {
      throw new StartError(
        `embedded PostgreSQL in ${folder} does not start: ${tried.why || 'it exited without a word'}`,
      )
    }
    options.log.debug({ why: tried.why }, 'embedded PostgreSQL cannot start yet')
    await delay(200)
  }
}
