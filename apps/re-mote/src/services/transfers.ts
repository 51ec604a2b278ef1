import type { Taker } from '@re-ops/operations'
import { fileLimits, type ContentNeeds } from '@re-ops/protocols'
import type { Log } from '@re-ops/service'
import type { AgentAsks, FileSays } from '../broker/words.ts'
import type { ServiceSays } from '../broker/port.ts'
import { treeHashes } from './trees.ts'
import type { Files } from './files.ts'

export type CallUnderWay = {
  readonly host: string
  readonly needs: ContentNeeds | undefined
  readonly subject: string
}
export type TransfersDeps = {
  readonly log: Log
  readonly files: Files
  /** The call, if it is under way now. */
  callOf(id: string): CallUnderWay | undefined
  send(host: string, message: FileSays): void
  sayChunk(item: Extract<ServiceSays, { kind: 'chunk' }>): void
  /** An agent spoke of a call that is not its own, or not under way here; told once a message. */
  onUnclaimed(reason: 'other-host' | 'unknown'): void
}
/** Contents to and from agents: each only for a call that is under way on that host and names it. */
export type Transfers = {
  onHeard(host: string, message: AgentAsks): void
  onChunkWanted(hash: string, chunk: number): void
  readonly size: number
  close(): void
}

/** A content that comes from a host. Pieces are taken one after the other. */
type Incoming = {
  readonly host: string
  readonly taker: Promise<Taker | null>
  readonly size: number
  at: number
  work: Promise<void>
  waiting: number
  usedAt: number
}
const incomingMax = 2_000
const piecesMax = 4 * (fileLimits.chunkBytes / fileLimits.partBytes)
const idleMs = 10 * 60_000
const treesKeptMax = 64

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error)).slice(0, 300)

export const makeTransfers = (deps: TransfersDeps): Transfers => {
  const { files, log } = deps
  const incoming = new Map<string, Incoming>()
  const trees = new Map<string, Promise<ReadonlySet<string>>>()
  const timer = setInterval(() => {
    const oldest = performance.now() - idleMs
    for (const [key, one] of incoming) if (one.usedAt < oldest) incoming.delete(key)
  }, idleMs / 10)

  const hashesIn = (tree: string): Promise<ReadonlySet<string>> => {
    const known = trees.get(tree)
    if (known) return known
    const made = files.whole(tree, fileLimits.treeBytesMax).then(treeHashes)
    made.catch(() => trees.delete(tree))
    trees.set(tree, made)
    for (const oldest of trees.keys()) {
      if (trees.size <= treesKeptMax) break
      trees.delete(oldest)
    }
    return made
  }
  const mayTake = async (needs: ContentNeeds, hash: string): Promise<boolean> => {
    const { takes = [], tree = false } = needs
    if (takes.includes(hash)) return true
    const [list] = takes
    return tree && list !== undefined && (await hashesIn(list)).has(hash)
  }
  const open = async (host: string, { call, hash, from, prefix }: Body<'file.open'>): Promise<void> => {
    const needs = deps.callOf(call)?.needs
    if (!needs || !(await mayTake(needs, hash))) throw new Error('this call may not have that content')
    const opened = await files.contentsFor('').open(hash, from, prefix)
    deps.send(host, { kind: 'file.opened', body: { call, hash, from: opened.from, size: opened.size } })
  }
  const offer = async (host: string, subject: string, { call, hash, size }: Body<'file.offer'>): Promise<void> => {
    const key = `${call} ${hash}`
    const known = incoming.get(key)
    if (known) await known.work // all that came of it is stored, so where to go on is known
    if (!known && incoming.size >= incomingMax)
      throw new Error(`more than ${incomingMax} contents are on their way already`)
    const taker = known?.taker ?? files.offer(hash, size, subject)
    const one = known ?? { host, taker, size, at: 0, work: Promise.resolve(), waiting: 0, usedAt: performance.now() }
    incoming.set(key, one)
    try {
      const taken = await taker
      if (taken === null) incoming.delete(key)
      else if (!known) one.at = taken.from
      deps.send(host, { kind: 'file.accepted', body: { call, hash, from: taken === null ? size : one.at } })
    } catch (error) {
      incoming.delete(key)
      throw error
    }
  }
  const give = async (host: string, { call, hash, at, data }: Body<'file.give'>): Promise<void> => {
    const key = `${call} ${hash}`
    const one = incoming.get(key)
    if (!one || one.host !== host || one.waiting >= piecesMax) return // it offers again
    one.usedAt = performance.now()
    const taker = await one.taker
    const bytes = Buffer.from(data, 'base64')
    // Sent again, or after one that was lost: the next offer says where it is to go on.
    if (taker === null || at !== one.at || at + bytes.length > one.size) return
    one.at += bytes.length
    one.waiting += 1
    const now = one.at
    one.work = one.work.then(async () => {
      await taker.write(bytes)
      one.waiting -= 1
      if (now === one.size) {
        incoming.delete(key)
        await taker.end()
        deps.send(host, { kind: 'file.taken', body: { call, hash, at: now, done: true } })
      } else if (now % fileLimits.chunkBytes === 0)
        deps.send(host, { kind: 'file.taken', body: { call, hash, at: now, done: false } })
    })
    one.work.catch(() => incoming.delete(key))
    await one.work
  }
  return {
    onHeard: (host, message) => {
      const { call, hash } = message.body
      const say = (reason: string) => deps.send(host, { kind: 'file.refused', body: { call, hash, reason } })
      const refuse = (error: unknown) => {
        const reason = reasonOf(error)
        log.info({ host, call, hash, why: reason }, 'a content is refused')
        say(reason)
      }
      const under = deps.callOf(call)
      if (under?.host !== host) {
        deps.onUnclaimed(under ? 'other-host' : 'unknown') // the log is not theirs to fill
        return say('this call is not under way')
      }
      if (message.kind === 'file.open') open(host, message.body).catch(refuse)
      else if (under.needs?.gives !== true) refuse(new Error('this call may not give contents'))
      else if (message.kind === 'file.offer') offer(host, under.subject, message.body).catch(refuse)
      else give(host, message.body).catch(refuse)
    },
    onChunkWanted: (hash, chunk) => {
      const hand = async () => {
        const file = await files.find(hash)
        if (!file) throw new Error(`the service has no content ${hash}`)
        deps.sayChunk({ kind: 'chunk', hash, chunk, bytes: await files.chunk(file, chunk) })
      }
      hand().catch((error: unknown) => {
        log.error({ err: error, hash, chunk }, 'a chunk could not be handed out')
        deps.sayChunk({ kind: 'chunk', hash, chunk, refused: reasonOf(error) })
      })
    },
    get size() {
      return incoming.size
    },
    close: () => clearInterval(timer),
  }
}
type Body<K extends AgentAsks['kind']> = Extract<AgentAsks, { kind: K }>['body']
