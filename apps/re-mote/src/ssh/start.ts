import type { Contents } from '@re-ops/operations'
import type { CallResult } from '@re-ops/protocols'
import { makeOutputs, type Outputs } from '@re-ops/outputs'
import { openSpool } from '@re-ops/outputs/spool'
import { newId } from '@re-ops/protocols'
import { join } from 'node:path'
import type { Log, Pool as PostgresPool, Secrets } from '@re-ops/service'
import type { LiveOperations } from '../runner/live-operations.ts'
import { makeBatcher } from '../services/batcher.ts'
import { findSshHostNamed, findSshHosts, noteReach, type Reach } from '../store/ssh-hosts.ts'
import { makeDirectory, type Directory } from './directory.ts'
import { openSshFolder, type SshFolder } from './folder.ts'
import { makePool, type Pool } from './pool.ts'
import { makeSshTransport, type SshTransport } from './transport.ts'

export type SshDeps = {
  readonly log: Log
  readonly postgres: PostgresPool
  readonly secrets: Pick<Secrets, 'get'>
  readonly live: Pick<LiveOperations, 'planOf' | 'parseOf'>
  /** Contents of files for the calls of a host. */
  contents(host: string): Contents
  readonly stateFolder: string
  readonly spoolBytesMax: number
  readonly agentSocket: string | undefined
  onStarted(id: string): void
  onEnd(id: string, result: CallResult): void
  onHostChanged(host: string): void
}
export type Ssh = {
  readonly transport: SshTransport
  readonly folder: SshFolder
  readonly directory: Directory
  readonly pool: Pool
  /** What commands over SSH wrote: there is nobody on such a host who would keep it. */
  readonly outputs: Outputs
  close(): Promise<void>
}

/** A host that is reached all the time is noted as that so often only. */
const noteEveryMs = 60_000
const notedMax = 50_000

/** All parts of the SSH transport. */
export const startSsh = async (deps: SshDeps): Promise<Ssh> => {
  const { log, postgres, secrets, stateFolder, agentSocket } = deps
  const folder = await openSshFolder(stateFolder, log)
  const directory = makeDirectory({
    readByIds: ids => findSshHosts(postgres, ids),
    readByName: name => findSshHostNamed(postgres, name),
  })
  const pool = makePool({ folder, agentSocket, findHost: directory.findHost, secret: name => secrets.get(name) })
  const reaches = makeBatcher<Reach>({
    name: 'reached hosts',
    log,
    itemsMax: 2_000,
    newBatchId: newId,
    onRefused: () => undefined,
    flush: async batch => {
      // The last word about a host counts.
      const last = [...new Map(batch.map(one => [one.host, one])).values()]
      const changed = await noteReach(postgres, last)
      return () => changed.forEach(deps.onHostChanged)
    },
  })
  const noted = new Map<string, { readonly why: string | null; readonly at: number }>()
  const spool = {
    folder: join(stateFolder, 'outputs'),
    bytesMax: deps.spoolBytesMax,
    streamBytesMax: Math.floor(deps.spoolBytesMax / 4),
  }
  const outputs = makeOutputs(() => openSpool(spool))
  const transport = makeSshTransport({
    log,
    outputs,
    folder,
    pool,
    live: deps.live,
    contents: deps.contents,
    secret: name => secrets.get(name),
    hostOf: directory.hostOf,
    onStarted: deps.onStarted,
    onEnd: deps.onEnd,
    onReach: (host, why) => {
      const before = noted.get(host)
      const now = performance.now()
      if (before && before.why === why && now - before.at < noteEveryMs) return
      if (noted.size >= notedMax) noted.clear()
      noted.set(host, { why, at: now })
      reaches.put({ host, why })
    },
  })
  return {
    transport,
    folder,
    directory,
    pool,
    outputs,
    close: async () => {
      await transport.close()
      outputs.close()
      pool.close()
      await reaches.drained()
    },
  }
}
