import { accessSync, chmodSync, constants, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeOutputs } from '@re-ops/outputs'
import { newId, type Id, type Keyset } from '@re-ops/protocols'
import { capability } from 'zeromq'
import type { Ask } from './ask/ask.ts'
import { makeCalls } from './calls.ts'
import type { Config } from './config.ts'
import { dial, type Dial } from './dial.ts'
import { makeFolder } from './durable.ts'
import { enrol } from './enrol.ts'
import type { Catalogue } from './execute/found.ts'
import { AgentExit, exitCodes } from './exit.ts'
import { loadIdentity, saveIdentity, type Identity } from './identity.ts'
import { bindInstance, readInstance } from './instance.ts'
import { openJournal, type JournalRecord } from './journal.ts'
import { ensureKeys, type Keys } from './keys.ts'
import { runLink } from './link.ts'
import { lockFolder } from './lock.ts'
import { errorText, type Log } from './log.ts'
import { makeOutbox } from './outbox.ts'
import { makeOutputPulls } from './output-pulls.ts'
import { keepPolicy } from './policy.ts'
import { recoverCalls } from './recover.ts'
import { openRing } from './ring.ts'

export const version = '0.1.0'
/** With what was deployed, where that is known. */
const versionOf = ({ build }: Config): string => (build === undefined ? version : `${version}+${build}`)

export type AgentDeps = {
  readonly config: Config
  readonly catalogue: Catalogue
  readonly log: Log
  readonly ask: Ask
  /** What a program that runs many agents puts in and looks at (the simulator); absent in an agent of its own. */
  readonly embedding?: Embedding
}
export type Embedding = {
  /** In place of the real one, which it wraps. */
  readonly dial: Dial
  readonly onSession: (live: boolean) => void
  readonly onRecord: (record: JournalRecord) => void
  /** Ends this life as kill -9 does: from then on nothing reaches the disk. The wire is the embedder's to cut, first. */
  readonly death: AbortSignal
}

const openState = (state: string): void => {
  try {
    makeFolder(state)
    chmodSync(state, 0o700)
    accessSync(state, constants.W_OK)
  } catch (error) {
    throw new AgentExit(exitCodes.config, `the state folder ${state} cannot be written: ${errorText(error)}`)
  }
}

const folderCheckMs = 5_000

/** Aborts when the state folder is removed: this agent's machine is gone then, and it must not stay as an orphan. */
const whileFolderExists = (state: string): { gone: AbortSignal; stop(): void } => {
  const gone = new AbortController()
  const timer = setInterval(() => {
    if (!existsSync(join(state, 'journal'))) gone.abort()
  }, folderCheckMs)
  return { gone: gone.signal, stop: () => clearInterval(timer) }
}

const needed = (config: Config, field: 'url' | 'token'): string => {
  const variable = field === 'url' ? 'REGENT_URL' : 'REGENT_TOKEN'
  const value = config[field]
  if (value !== undefined) return value
  throw new AgentExit(exitCodes.config, `not enrolled, and ${variable} (or "${field}" in config.json) is not given`)
}

/** The identity on disk, else a new one by enrolment; `null` when the agent is stopped meanwhile. */
const ensureIdentity = async (
  { config, log, ask }: AgentDeps,
  keys: Keys,
  instance: string,
  stop: AbortSignal,
): Promise<Identity | null> => {
  const known = loadIdentity(config.state)
  if (known) return known
  const { name, labels } = config
  const spec = {
    url: needed(config, 'url'),
    token: needed(config, 'token'),
    keys,
    name,
    labels,
    instance,
    version: versionOf(config),
  }
  const identity = await enrol(ask, spec, log, stop)
  if (!identity) return null
  await saveIdentity(config.state, identity)
  log.info('enrolled', { host: identity.host, name: identity.name })
  return identity
}

/** Who runs here, for people and tools. Not synced: after a power cut it is not true any more. */
const writeAddress = (state: string, { name, host }: Identity, boot: Id): void => {
  const path = join(state, 'agent.json')
  const startedAt = new Date().toISOString()
  writeFileSync(`${path}.tmp`, JSON.stringify({ pid: process.pid, boot, name, host, startedAt }), { mode: 0o600 })
  renameSync(`${path}.tmp`, path)
}

/** Named by URL, so that in a bundle it is a file of its own: most agents never read it. */
const loadLive = async (): Promise<typeof import('./live/live.ts')> =>
  (await import(new URL('./live/live.ts', import.meta.url).href)) as typeof import('./live/live.ts')

const loadSpool = async (): Promise<typeof import('./spool.ts')> =>
  (await import(new URL('./spool.ts', import.meta.url).href)) as typeof import('./spool.ts')
const loadContents = async (): Promise<typeof import('./contents/contents.ts')> =>
  (await import(new URL('./contents/contents.ts', import.meta.url).href)) as typeof import('./contents/contents.ts')

const loadMemory = async (): Promise<typeof import('./memory-watch.ts')> =>
  (await import(new URL('./memory-watch.ts', import.meta.url).href)) as typeof import('./memory-watch.ts')

const loadSchedules = async (): Promise<typeof import('./schedules/schedules.ts')> =>
  (await import(new URL('./schedules/schedules.ts', import.meta.url).href)) as typeof import('./schedules/schedules.ts')

/** Made by the first who needs it. */
const lazily = <A>(make: () => Promise<A>) => {
  let made: Promise<A> | undefined
  return { get: () => (made ??= make()), made: () => made }
}

const serve = async (deps: AgentDeps, keys: Keys, identity: Identity, boot: Id, stop: AbortSignal): Promise<void> => {
  const { config, log, catalogue, embedding } = deps
  const { state } = config
  let current = identity
  let saving: Promise<void> = Promise.resolve()
  const failed = (error: unknown) => log.error('the newer keyset cannot be kept', { why: errorText(error) })
  makeFolder(join(state, 'journal'))
  const keep = !config.faults.includes('no-journal')
  const { journalSegmentBytesMax: segmentBytesMax } = config
  const onRecord = embedding?.onRecord
  const journal = openJournal({ folder: join(state, 'journal'), segmentBytesMax, keep, onRecord })
  if (journal.damaged > 0) log.error('the journal has damaged lines', { damaged: journal.damaged })
  const settled = (id: Id) => journal.of(id)?.state === 'settled'
  const ringOptions = { bytesMax: config.ringBytesMax, settled, beforeRemove: journal.flush }
  const ring = openRing({ folder: join(state, 'ring'), ...ringOptions })
  const death = embedding?.death
  const die = (): void => {
    journal.close()
    ring.close()
  }
  death?.addEventListener('abort', die)
  try {
    await recoverCalls({ journal, ring, log, boot, isNative: op => catalogue.natives.has(op) })
    const outbox = makeOutbox(ring)
    const policy = keepPolicy(config.policy ?? join(state, 'policy.json'), config.policy !== undefined)
    const keyset = () => current.keyset
    const ask = (hash: string) => outbox.control({ kind: 'module.pull', body: { hash } })
    const live = lazily(async () => (await loadLive()).makeLive({ state, log, policy, keyset, ask }))
    const { spoolBytesMax } = config
    const spool = { folder: join(state, 'spool'), bytesMax: spoolBytesMax, streamBytesMax: spoolBytesMax / 4 }
    const outputs = makeOutputs(async () => (await loadSpool()).openSpool(spool))
    const pulls = makeOutputPulls({ outputs, outbox, log })
    const reading = { outputs, pull: pulls.pull }
    const contents = lazily(async () => (await loadContents()).makeContents(outbox.bulk))
    const session = { isLive: false }
    const sampling = { state, log, catalogue, policy, outbox, outputs, isLive: () => session.isLive }
    const schedules = lazily(async () => (await loadSchedules()).makeSchedules(sampling))
    const memory = lazily(async () => (await loadMemory()).watchMemory).get
    const later = { live: live.get, contents: contents.get, memory }
    const rules = { slots: config.slots, startsAgain: config.faults.includes('start-again') }
    const calls = makeCalls({ catalogue, policy, ...later, journal, ring, outbox, ...reading, log, ...rules })
    const saveKeyset = (keyset: Keyset): void => {
      current = { ...current, keyset }
      const saved = current
      saving = saving.then(() => saveIdentity(state, saved)).catch(failed)
      log.info('a newer keyset is accepted', { serial: keyset.serial })
    }
    const fetch = (signal: AbortSignal) =>
      config.url === undefined ? Promise.resolve(null) : deps.ask.keyset(config.url, signal)
    const link = {
      log,
      journal,
      calls,
      outbox,
      keys,
      boot,
      version: versionOf(config),
      dial: embedding?.dial ?? dial,
      onSession: (isLive: boolean) => {
        session.isLive = isLive
        if (isLive) void contents.made()?.then(made => made.renew())
        embedding?.onSession(isLive)
        void schedules.made()?.then(made => made.onSession(isLive))
      },
      schedules: schedules.get,
      identity: () => current,
      saveKeyset,
      fetchKeyset: fetch,
      url: config.url,
    }
    writeAddress(state, identity, boot)
    if (existsSync(join(state, 'schedules.json'))) await schedules.get()
    const folder = whileFolderExists(state)
    try {
      await runLink(link, AbortSignal.any([stop, folder.gone, ...(death ? [death] : [])]))
    } finally {
      folder.stop()
      await calls.stop()
      ;(await schedules.made())?.close()
      pulls.close()
      outputs.close()
      ;(await live.made())?.close()
      ;(await contents.made())?.close()
    }
    if (folder.gone.aborted)
      throw new AgentExit(exitCodes.config, `the state folder ${state} was removed; this agent has no machine any more`)
  } finally {
    death?.removeEventListener('abort', die)
    await saving
    if (!death?.aborted) await journal.synced()
    die()
  }
}

/** The whole agent: resolves when it was stopped, throws AgentExit when it ends by itself. */
export const runAgent = async (deps: AgentDeps, stop: AbortSignal): Promise<void> => {
  const { config, log } = deps
  if (!capability.curve)
    throw new AgentExit(exitCodes.bug, 'this build of ZeroMQ has no CURVE; the agent does not run without encryption')
  openState(config.state)
  const lock = await lockFolder(config.state)
  try {
    const instance = readInstance(config.instance)
    if ((await bindInstance(config.state, instance, config.token !== undefined)) === 'rebound')
      log.warn('another instance than before: keys, journal and results are discarded', { instance })
    const keys = await ensureKeys(config.state)
    const identity = await ensureIdentity(deps, keys, instance, stop)
    if (identity) await serve(deps, keys, identity, newId(), stop)
  } finally {
    rmSync(join(config.state, 'agent.json'), { force: true })
    lock.release()
  }
}
