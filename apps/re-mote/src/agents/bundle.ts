import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createGzip } from 'node:zlib'
import { ensureFolder } from '@re-ops/service'
import { tarEnd, tarHeader, tarPadding } from './tar.ts'

/** The agent as it is put onto hosts: its program, its ZeroMQ, and the Node it runs on, in one compressed archive. */
export type AgentBundle = {
  /** Names the content, 12 hexadecimal digits: two with one name are the same, byte for byte. */
  readonly build: string
  readonly archive: string
  readonly archiveBytes: number
  /** On the host. */
  readonly unpackedBytes: number
  /** As `uname -m` says it. */
  readonly machine: string
}

const machines: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' }
/** What official builds of Node 24 need. */
export const glibcMin = [2, 28] as const
/** The last file of the archive: where it is, all before it is. */
export const completeName = 'complete'

type Part = { readonly name: string; readonly path: string; readonly size: number; readonly executable: boolean }

const partsOf = async (folder: string, node: string): Promise<Part[]> => {
  const names = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = names
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted()
  const whole = [...files.map(name => ({ name, path: join(folder, name) })), { name: 'node', path: node }]
  return Promise.all(
    whole.map(async one => ({ ...one, size: (await stat(one.path)).size, executable: one.name === 'node' })),
  )
}

const buildOf = async (parts: readonly Part[]): Promise<string> => {
  const all = createHash('sha256')
  for (const { name, path, size } of parts) {
    const content = createHash('sha256')
    await pipeline(createReadStream(path), content)
    all.update(JSON.stringify([name, size, content.digest('hex')]))
  }
  return all.digest('hex').slice(0, 12)
}

async function* archived(parts: readonly Part[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    yield tarHeader(part)
    yield* createReadStream(part.path) as AsyncIterable<Uint8Array>
    yield tarPadding(part.size)
  }
  yield tarHeader({ name: completeName, size: 0, executable: false })
  yield tarEnd
}

/** Makes the archive (once, some seconds) in `<state>/agents`, or finds it there. Others of other builds are removed. */
const makeArchive = async (state: string, build: string, parts: readonly Part[]): Promise<string> => {
  const folder = await ensureFolder(join(state, 'agents'), 'REOPS_STATE')
  const path = join(folder, `${build}.tgz`)
  if (existsSync(path)) return path
  const fresh = `${path}.${process.pid}.tmp`
  await pipeline(archived(parts), createGzip({ level: constants.Z_BEST_SPEED }), createWriteStream(fresh))
  await rename(fresh, path)
  for (const name of await readdir(folder)) if (!name.startsWith(build)) await rm(join(folder, name), { force: true })
  return path
}

export type BundleDeps = {
  /** The folder with the agent's `main.cjs`; undefined when this service was given none. */
  readonly folder: string | undefined
  readonly state: string
  /** The program that runs it there; default: the Node of this service. */
  readonly node?: string
}

/** The bundle of this service, made by the first who asks. Throws an Error that says why there is none. */
export const makeBundles = ({ folder, state, node = process.execPath }: BundleDeps): (() => Promise<AgentBundle>) => {
  let made: Promise<AgentBundle> | undefined
  const make = async (): Promise<AgentBundle> => {
    const machine = machines[process.arch]
    if (process.platform !== 'linux' || machine === undefined)
      throw new Error(`agents for ${process.platform} ${process.arch} are not made; linux x64 and arm64 are`)
    if (folder === undefined || !existsSync(join(folder, 'main.cjs')))
      throw new Error('this service has no agent to deploy; REMOTE_AGENT must name the folder with its main.cjs')
    const parts = await partsOf(folder, node)
    const build = await buildOf(parts)
    const archive = await makeArchive(state, build, parts)
    const unpackedBytes = parts.reduce((sum, part) => sum + part.size, 0)
    return { build, archive, archiveBytes: (await stat(archive)).size, unpackedBytes, machine }
  }
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined // it may be there the next time
      throw error
    })
    return made
  }
}
