import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readFile, readdir, rename, rm, stat, truncate, copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Id, Name, type CreateRequest, ProviderError } from '@re-ops/protocols'
import { Type, type Static } from 'typebox'
import { Compile } from 'typebox/compile'

/** What a machine of this computer is, written once, beside the folder of its agent. Holds no secret. */
export const Machine = Type.Object({
  identity: Type.Object({
    installation: Id,
    vmId: Id,
    generation: Type.Integer(),
    candidate: Type.Integer(),
    token: Type.String(),
    uuid: Id,
  }),
  name: Name,
  type: Type.String(),
  size: Type.String(),
  image: Type.String(),
  createdAt: Type.String(),
  digest: Type.String({ description: 'SHA-256 of the create request, so that a changed one is noticed' }),
})
export type Machine = Static<typeof Machine>
const checkMachine = Compile(Machine)

const ProcessRecord = Type.Object({ pid: Type.Integer({ minimum: 1 }), startTicks: Type.String() })
export type ProcessRecord = Static<typeof ProcessRecord>
const checkRecord = Compile(ProcessRecord)

const checkId = Compile(Id)
export const isId = (text: string): boolean => checkId.Check(text)
export const folderOf = (root: string, uuid: string): string => join(root, uuid)
const spentFile = (root: string, uuid: string) => join(root, '.spent', uuid)

export const digestOf = (request: CreateRequest): string =>
  createHash('sha256').update(JSON.stringify(request.body)).digest('base64url')

/** Writes and syncs: what is on disk after a crash is all there is to find a machine by. */
const writeSynced = async (path: string, text: string, mode = 0o600): Promise<void> => {
  const file = await open(path, 'wx', mode)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Replaces a file in one step, so a reader finds the old text or the new one. */
export const replaceFile = async (path: string, text: string): Promise<void> => {
  const next = `${path}.${randomUUID()}`
  await writeSynced(next, text)
  await rename(next, path)
}

const changedAtMs = async (path: string): Promise<number | null> => {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}
export const exists = async (path: string): Promise<boolean> => (await changedAtMs(path)) !== null

const readText = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // torn or foreign; the checks after this say so
  }
}

/** Null when there is no such machine; an error (never a guess) when there is something unreadable in its place. */
export const readMachine = async (folder: string): Promise<Machine | null> => {
  const text = await readText(join(folder, 'machine.json'))
  if (text === null) return null
  const machine = parsed(text)
  if (!checkMachine.Check(machine))
    throw new ProviderError('bug', 'not-applied', `${join(folder, 'machine.json')} is not a machine's record`)
  return machine
}

export const readRecord = async (folder: string): Promise<ProcessRecord | null> => {
  const record = parsed((await readText(join(folder, 'process.json'))) ?? '')
  return checkRecord.Check(record) ? record : null
}
export const writeRecord = (folder: string, record: ProcessRecord): Promise<void> =>
  replaceFile(join(folder, 'process.json'), JSON.stringify(record))

/**
 * Makes the folder whole or not at all: it is built aside and renamed, and a rename onto a folder that holds something
 * fails, so of any number of callers exactly one makes it. Answers whether it was this one.
 */
export const makeFolder = async (
  root: string,
  uuid: string,
  files: Readonly<Record<string, string>>,
): Promise<boolean> => {
  const aside = join(root, '.making', `${uuid}.${randomUUID()}`)
  await mkdir(aside, { recursive: true, mode: 0o700 })
  try {
    for (const [name, text] of Object.entries(files)) await writeSynced(join(aside, name), text)
    await rename(aside, folderOf(root, uuid))
    return true
  } catch (error) {
    await rm(aside, { recursive: true, force: true })
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false
    throw error
  }
}

/** A destroyed machine's identity is spent for good: a create that arrives late is refused. */
export const spend = async (root: string, uuid: string): Promise<void> => {
  await mkdir(join(root, '.spent'), { recursive: true, mode: 0o700 })
  try {
    await writeSynced(spentFile(root, uuid), '')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
export const isSpent = (root: string, uuid: string): Promise<boolean> => exists(spentFile(root, uuid))

/** Out of sight first (one step), then removed at leisure. */
export const removeFolder = async (root: string, uuid: string): Promise<void> => {
  await mkdir(join(root, '.removed'), { recursive: true, mode: 0o700 })
  const aside = join(root, '.removed', `${uuid}.${randomUUID()}`)
  try {
    await rename(folderOf(root, uuid), aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Names of all machine folders. A root that does not exist yet has none. */
export const machineFolders = async (root: string): Promise<string[]> => {
  try {
    return (await readdir(root)).filter(isId)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const logBytesMax = 4 * 1024 * 1024
export const logOf = (folder: string): string => join(folder, 'agent.log')

/** The agent appends to its log for as long as it lives, so the log is copied and cut in place. */
export const boundLog = async (folder: string): Promise<void> => {
  const path = logOf(folder)
  const { size } = (await exists(path)) ? await stat(path) : { size: 0 }
  if (size <= logBytesMax) return
  await copyFile(path, `${path}.1`)
  await truncate(path, 0)
}

const spentDays = 30
/** Removes what crashed callers left half made or half removed, and spent identities too old to matter. */
export const sweepAside = async (root: string, now: number): Promise<void> => {
  for (const [name, ageMs] of [
    ['.removed', 0],
    ['.making', 600_000],
    ['.spent', spentDays * 86_400_000],
  ] as const) {
    const aside = join(root, name)
    for (const entry of (await exists(aside)) ? await readdir(aside) : []) {
      const path = join(aside, entry)
      const changedAt = await changedAtMs(path)
      if (changedAt !== null && now - changedAt >= ageMs) await rm(path, { recursive: true, force: true })
    }
  }
}
