import { setTimeout as pause } from 'node:timers/promises'
import { newSigningKeys, type Keyset, type KeysInfo, type RotateKeys } from '@re-ops/protocols'
import { HttpProblem, type Log, type MasterKeys, type Pool } from '@re-ops/service'
import { curveKeyPair } from 'zeromq'
import {
  changeKeys,
  ensureInstallation,
  ensureKeyset,
  type Installation,
  type InstallationKeys,
} from '../store/installation.ts'
import { signingKeyOf } from '../store/module-keys.ts'

export type KeysDeps = {
  readonly log: Log
  readonly pool: Pool
  readonly masterKeys: MasterKeys
  readonly installation: Installation
  /** Where agents dial: what the keyset tells. */
  endpoints(): readonly string[]
  /** Tells brokers and agents of a newer keyset. Resolves when it is on its way to all agents with a session. */
  publish(keyset: Keyset): Promise<void>
  /** A broker with the server key of now in place of the one that runs. */
  restartBroker(): Promise<void>
}
/** The keys of the installation: publish, overlap, retire. */
export type Keys = {
  readonly current: () => InstallationKeys
  keyset(): Keyset
  /** The keyset for the address that brokers listen at. */
  keysetFor(endpoints: readonly string[]): Promise<Keyset>
  info(): KeysInfo
  rotate(asked: RotateKeys): Promise<KeysInfo>
  retire(publicKey: string): Promise<KeysInfo>
}

const refused = (kind: string, title: string, detail: string) => new HttpProblem(409, kind, title, detail)
const moduleKeysMax = 8
/** How long agents with a session are waited for to be told of the next key before it is used. One that was not asks for it over HTTP. */
const toldWithinMs = 5_000

const published = (keys: InstallationKeys, now: string): InstallationKeys =>
  keys.curveNext ? keys : { ...keys, curveNext: { ...curveKeyPair(), madeAt: now } }

/** The next key takes the place of the one in use, which stays published. */
const switched = (keys: InstallationKeys, now: string): InstallationKeys => {
  const { curveNext, curveBefore: _, ...rest } = keys
  if (!curveNext)
    throw refused('nothing-published', 'Nothing to switch to', 'no server key is published; publish one first')
  return { ...rest, curve: curveNext, curveBefore: { publicKey: keys.curve.publicKey, replacedAt: now } }
}

const retired = (keys: InstallationKeys, publicKey: string): InstallationKeys => {
  if (keys.curveBefore?.publicKey === publicKey) {
    const { curveBefore: _, ...rest } = keys
    return rest
  }
  if (keys.curveNext?.publicKey === publicKey) {
    const { curveNext: _, ...rest } = keys
    return rest
  }
  const isUsed = [keys.curve.publicKey, keys.root.publicKey, keys.seal.publicKey].includes(publicKey)
  const modules = keys.modules.filter(one => one.publicKey !== publicKey)
  if (isUsed || modules.length === 0)
    throw refused('key-in-use', 'Key is in use', `${publicKey} is in use; rotate first, then retire it`)
  if (modules.length === keys.modules.length)
    throw new HttpProblem(404, 'no-such-key', 'No such key', `${publicKey} is not published; GET /v1/keys lists them`)
  return { ...keys, modules }
}

export const infoOf = (keys: InstallationKeys, keyset: Keyset, at: number): KeysInfo => {
  const signing = signingKeyOf(keys.modules, at).publicKey
  const server = (publicKey: string, state: 'in use' | 'next' | 'before', madeAt: string | undefined) => ({
    kind: 'server' as const,
    publicKey,
    state,
    madeAt: madeAt ?? null,
  })
  const { curve, curveNext, curveBefore } = keys
  const signingAt = keys.modules.findIndex(one => one.publicKey === signing)
  return {
    serial: keyset.serial,
    notAfter: keyset.notAfter,
    keys: [
      { kind: 'root', publicKey: keys.root.publicKey, state: 'in use', madeAt: null },
      { kind: 'seal', publicKey: keys.seal.publicKey, state: 'in use', madeAt: null },
      server(curve.publicKey, 'in use', curve.madeAt),
      ...(curveNext ? [server(curveNext.publicKey, 'next', curveNext.madeAt)] : []),
      ...(curveBefore ? [server(curveBefore.publicKey, 'before', undefined)] : []),
      ...keys.modules.map(({ publicKey, madeAt }, n) => ({
        kind: 'module' as const,
        publicKey,
        state: n === signingAt ? ('in use' as const) : n < signingAt ? ('next' as const) : ('before' as const),
        madeAt,
      })),
    ],
  }
}

export const makeKeys = (deps: KeysDeps): Keys => {
  const { pool, masterKeys, log } = deps
  let { installation } = deps
  let keyset: Keyset | undefined
  const held = () => {
    if (!keyset) throw new Error('no keyset before the broker listens')
    return keyset
  }
  const change = async (to: (keys: InstallationKeys) => InstallationKeys): Promise<{ told: Promise<void> }> => {
    installation = await changeKeys(pool, masterKeys, to)
    keyset = await ensureKeyset(pool, installation, deps.endpoints())
    log.info({ serial: keyset.serial }, 'a newer keyset is published')
    return { told: deps.publish(keyset) }
  }
  // One change at a time: each publishes what came of it.
  let changing: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = changing.then(work)
    changing = done.catch(() => undefined)
    return done
  }
  const info = () => infoOf(installation.keys, held(), Date.now())
  return {
    current: () => installation.keys,
    keyset: held,
    keysetFor: async endpoints => {
      // Another service may have rotated them: what is published is what is stored.
      installation = await ensureInstallation(pool, masterKeys)
      keyset = await ensureKeyset(pool, installation, endpoints)
      return keyset
    },
    info,
    rotate: ({ kind, step = 'both' }) =>
      inTurn(async () => {
        const now = new Date().toISOString()
        if (kind === 'module') {
          await change(keys => ({
            ...keys,
            modules: [{ ...newSigningKeys(), madeAt: now }, ...keys.modules].slice(0, moduleKeysMax),
          }))
          return info()
        }
        const { told } = step === 'switch' ? {} : await change(keys => published(keys, now))
        if (step === 'both') await Promise.race([told, pause(toldWithinMs, undefined, { ref: false })])
        if (step !== 'publish') {
          await change(keys => switched(keys, now))
          await deps.restartBroker()
        }
        return info()
      }),
    retire: publicKey =>
      inTurn(async () => {
        await change(keys => retired(keys, publicKey))
        return info()
      }),
  }
}
