import { join } from 'node:path'
import { makeRunners } from '@re-ops/live/runner'
import { moduleProblem, type CallResult, type FromBroker, type Keyset, type SignedModule } from '@re-ops/protocols'
import { failed } from '../execute/failed.ts'
import type { Call, Found } from '../execute/found.ts'
import { baseEnvironment } from '../execute/shell.ts'
import { errorText, type Log } from '../log.ts'
import type { PolicyKeeper } from '../policy.ts'
import { openModuleCache } from './cache.ts'
import { foundIn } from './form.ts'
import { makePulls } from './pulls.ts'

export type LiveDeps = {
  readonly state: string
  readonly log: Log
  readonly policy: PolicyKeeper
  keyset(): Keyset
  /** Says `module.pull` to the broker, if there is a session. */
  ask(hash: string): void
}
export type ModuleMessage = Extract<FromBroker, { kind: 'module.part' | 'module.refused' | 'module.revoked' }>
export type Live = {
  /** The operation a call names, its module pulled and verified; or the answer that refuses the call. */
  find(call: Call & { readonly module: string }): Promise<Found | CallResult>
  handle(message: ModuleMessage): void
  close(): void
}

const keptMax = 16
const revokedMax = 1_024

/** Live modules on this host. Loaded with the first call that names one. */
export const makeLive = (deps: LiveDeps): Live => {
  const { log, policy } = deps
  const memoryBytesMax = policy.memoryBytesMax()
  const runners = makeRunners({
    closed: false,
    env: baseEnvironment(),
    ...(memoryBytesMax === undefined ? {} : { memoryBytesMax }),
  })
  const cache = openModuleCache(join(deps.state, 'modules'), error =>
    log.warn('the cache of modules has a fault', { why: errorText(error) }),
  )
  const pulls = makePulls(deps.ask)
  /** Verified under the keyset of that serial. */
  const kept = new Map<string, { readonly module: SignedModule; readonly serial: number }>()
  const revoked = new Set<string>()

  const verified = (hash: string, module: SignedModule, from: string): string | SignedModule => {
    const { moduleKeys, serial } = deps.keyset()
    const why = moduleProblem(moduleKeys, hash, module)
    if (why !== null) {
      log.error('a module is refused', { module: hash, from, why })
      return why
    }
    kept.delete(hash)
    kept.set(hash, { module, serial })
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break
      kept.delete(oldest)
    }
    return module
  }
  const held = (hash: string): SignedModule | null => {
    const known = kept.get(hash)
    if (known?.serial === deps.keyset().serial) return known.module
    const onDisk = cache.read(hash)
    const module = onDisk && verified(hash, onDisk, 'disk')
    if (typeof module !== 'string') return module
    cache.remove([hash]) // changed on disk, or signed by a key that was retired: the broker has it
    return null
  }
  const pulled = async (hash: string): Promise<SignedModule | string> => {
    const came = await pulls.pull(hash)
    if (typeof came === 'string') return came
    const known = kept.get(hash)
    if (known?.module === came) return came // another call that waited for the same has verified it
    const module = verified(hash, came, 'broker')
    if (typeof module !== 'string') cache.write(module)
    return module
  }
  const rejected = (call: Call, why: string) => failed(call, 'rejected', why, { started: 'no' })
  const revokedText = 'it is revoked'

  return {
    find: async call => {
      const hash = call.module
      const module = revoked.has(hash) ? revokedText : (held(hash) ?? (await pulled(hash)))
      if (typeof module === 'string') return rejected(call, `module ${hash} is refused: ${module}`)
      if (revoked.has(hash)) return rejected(call, `module ${hash} is refused: ${revokedText}`)
      const commands = module.operations.find(one => one.name === call.operation)?.forms.includes('shell') === true
      const why = policy.refusal({ operation: call.operation, module: hash, subject: module.subject, commands })
      if (why !== null) return rejected(call, why)
      return foundIn(runners, module, call) ?? rejected(call, `module ${hash} has no operation ${call.operation}`)
    },
    handle: message => {
      if (message.kind === 'module.part') return pulls.onPart(message.body)
      if (message.kind === 'module.refused') return pulls.onRefused(message.body)
      const { hashes } = message.body
      for (const hash of hashes) {
        if (revoked.size < revokedMax) revoked.add(hash)
        kept.delete(hash)
        pulls.onRefused({ hash, reason: revokedText })
      }
      cache.remove(hashes)
      runners.drop(hashes, 'killed: the module was revoked')
    },
    close: () => {
      pulls.close()
      cache.close()
      runners.close()
    },
  }
}
