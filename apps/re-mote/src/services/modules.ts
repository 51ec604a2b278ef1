import { checkLive, liveSchemaProblem } from '@re-ops/live/runner'
import type { DecodeOperation, ModuleLookup } from '@re-ops/pipelines'
import {
  defaultModuleLimits,
  moduleHash,
  moduleLimits,
  signModule,
  type Module,
  type ModuleOperation,
  type PushModule,
  type SignedModule,
} from '@re-ops/protocols'
import { HttpProblem, type Log, type Pool } from '@re-ops/service'
import type { ServiceSays } from '../broker/port.ts'
import type { AuditEntry } from '../store/audit.ts'
import { signingKeyOf, type ModuleKey } from '../store/module-keys.ts'
import {
  findModule,
  findModules,
  insertModule,
  resignModule,
  revokedModules,
  revokeModule,
  type ModuleRow,
} from '../store/modules.ts'

export type ModulesDeps = {
  readonly log: Log
  readonly pool: Pool
  /** The installation's module keys of now, the newest first. */
  keys(): readonly ModuleKey[]
  audit(entry: AuditEntry): void
  /** To the broker: what agents pull, and what they must forget. */
  say(item: Extract<ServiceSays, { kind: 'module' | 'modules.revoked' }>): void
}
/** Those of a pipeline, as `decodeStep` asks for them. */
export type KnownModules = ReadonlyMap<string, ModuleRow>
export type Modules = {
  push(body: PushModule, subject: string): Promise<{ readonly module: Module; readonly isNew: boolean }>
  revoke(hash: string, subject: string): Promise<Module>
  load(hashes: readonly string[]): Promise<KnownModules>
  /** The broker was asked for a module that it does not have. */
  onWanted(hash: string): void
  /** Somebody revoked modules, or a broker is new: tells the broker all that it must know. */
  tellRevoked(fresh: readonly string[]): Promise<void>
}

const keptMax = 64
const revokedToldMax = 256

/** Keeps, signs and hands out live modules. */
export const makeModules = (deps: ModulesDeps): Modules => {
  const { pool, log, keys } = deps
  const kept = new Map<string, ModuleRow>()
  const keep = (row: ModuleRow): void => {
    kept.delete(row.hash)
    kept.set(row.hash, row)
    for (const oldest of kept.keys()) {
      if (kept.size <= keptMax) break
      kept.delete(oldest)
    }
  }
  const load = async (hashes: readonly string[]): Promise<Map<string, ModuleRow>> => {
    const missing = hashes.filter(hash => !kept.has(hash))
    for (const row of missing.length === 0 ? [] : await findModules(pool, missing)) keep(row)
    return new Map(hashes.flatMap(hash => (kept.has(hash) ? [[hash, kept.get(hash) as ModuleRow]] : [])))
  }
  /** Signed by a key that agents know: what a retired key signed is signed again. */
  const signed = async (row: ModuleRow): Promise<SignedModule> => {
    const { hash, code, operations, limits, pushed_by: subject, sign_key: key, signature } = row
    if (keys().some(one => one.publicKey === key)) return { hash, code, operations, limits, subject, key, signature }
    const again = signModule(signingKeyOf(keys(), Date.now()), { code, operations, limits }, subject)
    await resignModule(pool, again)
    kept.delete(hash)
    return again
  }
  const hand = async (hash: string): Promise<void> => {
    const row = (await load([hash])).get(hash)
    const refused = row === undefined ? 'there is no such module' : row.revoked_at === null ? null : 'it is revoked'
    if (row === undefined || refused !== null) return deps.say({ kind: 'module', hash, refused: refused ?? '' })
    deps.say({ kind: 'module', hash, text: JSON.stringify(await signed(row)) })
  }
  return {
    load,
    push: async (body, subject) => {
      const content = checkedContent(body)
      const module = signModule(signingKeyOf(keys(), Date.now()), content, subject)
      const { hash } = module
      const isNew = await insertModule(pool, module)
      const stored = await findModule(pool, hash)
      if (!stored) throw new Error('a module was neither stored nor found')
      if (stored.revokedAt !== null)
        throw new HttpProblem(
          409,
          'module-revoked',
          'Module revoked',
          `module ${hash} was revoked at ${stored.revokedAt}; a change of its code is another module`,
        )
      if (isNew) {
        const { operations, limits, code } = content
        const pushedAt = new Date(stored.pushedAt)
        const { key: sign_key, signature } = module
        keep({
          hash,
          code,
          operations,
          limits,
          pushed_by: subject,
          pushed_at: pushedAt,
          sign_key,
          signature,
          revoked_at: null,
          revoked_by: null,
        })
        deps.say({ kind: 'module', hash, text: JSON.stringify(module) })
        const detail = { hash, operations: operations.map(one => one.name) }
        deps.audit({ action: 'module.pushed', subject, host: null, detail })
      }
      return { module: stored, isNew }
    },
    revoke: async (hash, subject) => {
      const revoked = await revokeModule(pool, hash, subject)
      if (!revoked) throw noSuchModule(hash)
      if (revoked.changed) deps.audit({ action: 'module.revoked', subject, host: null, detail: { hash } })
      return revoked.module
    },
    onWanted: hash => {
      hand(hash).catch((error: unknown) => log.warn({ err: error, module: hash }, 'a module could not be handed out'))
    },
    tellRevoked: async fresh => {
      for (const hash of fresh) kept.delete(hash)
      deps.say({ kind: 'modules.revoked', fresh, all: await revokedModules(pool, revokedToldMax) })
    },
  }
}

export const noSuchModule = (hash: string) =>
  new HttpProblem(404, 'no-such-module', 'No such module', `module ${hash} does not exist; GET /v1/modules lists them`)

const bad = (path: string, message: string) =>
  new HttpProblem(400, 'bad-module', 'Bad module', `/body${path} ${message}`, {
    errors: [{ path: `/body${path}`, message }],
  })

/** What was pushed, when its schemas can be trusted to be checked and it is what its hash says. */
const checkedContent = ({ code, operations, limits = defaultModuleLimits, hash }: PushModule) => {
  if (Buffer.byteLength(code) > moduleLimits.codeBytesMax)
    throw bad('/code', `has ${Buffer.byteLength(code)} bytes; at most ${moduleLimits.codeBytesMax} are allowed`)
  if (code.includes('\u0000')) throw bad('/code', 'must not hold NUL')
  const names = operations.map(one => one.name)
  const twice = names.find((name, n) => names.indexOf(name) !== n)
  if (twice !== undefined) throw bad('/operations', `names ${twice} twice`)
  operations.forEach((one, n) => {
    for (const part of ['input', 'output'] as const) {
      const why = liveSchemaProblem(one[part])
      if (why !== null) throw bad(`/operations/${n}/${part}`, why)
    }
  })
  const content = { code, operations, limits }
  const own = moduleHash(content)
  if (hash !== undefined && hash !== own) throw bad('/hash', `is not that of the content, which is ${own}`)
  return content
}

const decodable = (of: ModuleOperation): DecodeOperation => ({
  name: of.name,
  reads: of.reads,
  dry: of.dry === true,
  repeat: of.reads || of.idempotent ? 'safe' : 'once',
  checkInput: value => checkLive(of.input, value),
})

/** For new runs a revoked module is refused; a stored run may still be understood by it. */
export const lookupOf =
  (known: KnownModules, { stored = false } = {}): ModuleLookup =>
  hash => {
    const row = known.get(hash)
    if (!row) return 'is no module that is known here; POST /v1/modules takes one'
    if (row.revoked_at !== null && !stored) return `was revoked at ${row.revoked_at.toISOString()}`
    return row.operations.map(decodable)
  }
