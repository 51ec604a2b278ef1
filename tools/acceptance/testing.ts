import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ensureTokenKey, makeTokenSigner } from '@re-ops/service'
import { startCluster, type Cluster } from '../supervisor/cluster.ts'

export const root = dirname(dirname(import.meta.dirname))
export const deadlineMs = 30_000

/** Asks until there is an answer. */
export const eventually = async <A>(what: string, look: () => Promise<A | null> | A | null): Promise<A> => {
  for (const end = performance.now() + deadlineMs; performance.now() < end; await wait(50)) {
    const seen = await look()
    if (seen !== null) return seen
  }
  throw new Error(`${what}: not within ${deadlineMs / 1000} s`)
}

export type World = {
  readonly cluster: Cluster
  /** Where `reops` finds the cluster by itself. */
  readonly folder: string
  /** A token of the cluster's own key. */
  token(scopes: readonly ['runs:read'] | readonly ['admin'], ttlMs?: number): Promise<string>
  close(): Promise<void>
}

/** A real cluster on free ports in a folder of its own. */
export const openWorld = async (systems: number): Promise<World> => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-acceptance-'))
  const state = join(folder, '.reops')
  const removeFolder = () => rmSync(folder, { recursive: true, force: true })
  const cluster = await startCluster({ state, ports: 0, systems, onLine: () => undefined }).catch((error: unknown) => {
    removeFolder()
    throw error
  })
  const keys = await ensureTokenKey(state, { environment: {} })
  return {
    cluster,
    folder,
    token: async (scopes, ttlMs = 60_000) =>
      (await makeTokenSigner(keys).sign({ subject: 'acceptance', scopes: [...scopes], ttlMs })).token,
    close: async () => {
      await cluster.stop()
      removeFolder()
    },
  }
}

export type Ended = { readonly code: number | null; readonly out: string; readonly error: string }

/** A program of this repository as a process of its own, with nothing but the given environment. */
export const program = (
  path: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd = tmpdir(),
  withinMs = 2 * deadlineMs,
): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, path), ...args], {
      cwd,
      env: {
        PATH: process.env['PATH'],
        NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
        HOME: tmpdir(),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const late = setTimeout(() => child.kill('SIGKILL'), withinMs)
    const said = { out: '', error: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said.error += text))
    child.once('error', reject)
    child.once('close', code => {
      clearTimeout(late)
      resolve({ code, ...said })
    })
  })

/** `reops` in the world's folder. */
export const reops = (
  { folder }: Pick<World, 'folder'>,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> => program('apps/reops/bin/reops.mjs', args, environment, folder)

/** Resident memory of a process in bytes. Linux only. */
export const rssOf = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024

/** Each in turn, a few at once: the table is long and the machine is shared. */
export const inBatches = async <A, B>(all: readonly A[], size: number, work: (one: A) => Promise<B>): Promise<B[]> => {
  const done: B[] = []
  for (let at = 0; at < all.length; at += size) done.push(...(await Promise.all(all.slice(at, at + size).map(work))))
  return done
}
