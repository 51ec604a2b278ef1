import type { SystemSpec, VerbInput } from '@re-ops/protocols'
import { askSystem, getUnmanaged, importSystem, makeWorld, testDatabase, type SystemRow } from '@re-ops/re-core/testing'
import { specOf, type Hand } from './hand.ts'

export const hourMs = 3_600_000
/** Its drift is written last. */
export const isOff = (row: SystemRow): boolean => row.phase === 'stopped' && row.drift[0]?.field === 'power'
/** Rounds run when they are called. */
const timings = { observeMs: hourMs, observeRemoteMs: hourMs, reapMs: hourMs, leasesMs: hourMs, restartDelayMs: 50 }
const asked = { subject: 'tester', scopes: ['admin'], route: 'test', key: undefined }
export const installationMark = 'recore:installation'
export const vmMark = 'recore:vm'

const toldOf = (row: SystemRow | null): string =>
  row === null ? 'not there' : JSON.stringify([row.phase, row.reason, row.nextAt, row.drift, row.leaseEpoch])

type Asking = Parameters<typeof askSystem>[2]['verb']

/** re-core's own worker on a database of its own, and a cloud in somebody else's hands. */
export const openStage = async (open: () => Promise<Hand>) => {
  const [hand, database] = await Promise.all([open(), testDatabase()])
  const spec = (name: string): SystemSpec => ({ ...specOf(hand, name), labels: { env: 'test' } })
  const world = await makeWorld(await database.fresh(), { accounts: [hand.account], spec })
  let deaths = 0
  const worker = await world.startOne({
    timings,
    at: point => {
      if (!point.startsWith('setOwner.') || deaths === 0) return
      deaths -= 1
      throw new Error('killed')
    },
  })
  const ask = (system: string, verb: Asking, input: VerbInput = {}) =>
    askSystem(world.services(), system, { verb, input }, asked)
  const refusal = async (work: Promise<unknown>): Promise<string> => {
    const thrown = await work.then(
      () => null,
      (error: unknown) => error,
    )
    return thrown === null ? 'it was done' : ((thrown as { detail?: string }).detail ?? (thrown as Error).message)
  }
  const imported = (ref: string, name: string, more: object = {}) =>
    importSystem(world.services(), { account: hand.account.name, ref, name, ...more }, asked)
  const unmanaged = async () =>
    (await getUnmanaged(world.services(), { account: hand.account.name })).filter(one => refs.has(one.ref))
  const refs = new Set<string>()
  const stranger = async (name: string, tags: Record<string, string> = {}) => {
    const ref = await hand.make(name, tags)
    refs.add(ref)
    await world.until(`${name} runs`, async () => (await hand.look(ref))?.power === 'running')
    return ref
  }
  const settled = async (id: string, holds: (row: SystemRow) => boolean): Promise<SystemRow> => {
    let last: SystemRow | null = null
    try {
      return await world.until('it is seen', async () => {
        last = await world.row(id)
        return last.nextAt === null && holds(last) && last
      })
    } catch (error) {
      const text = `${(error as Error).message}; it is ${toldOf(last)}; ${world.logs.slice(-5).join(' ')}`
      throw new Error(text, { cause: error })
    }
  }
  const brokenOff = () => world.logs.filter(line => line.includes('a round broke off')).length
  /** One round of the observer that saw all there is; one whose call broke on a busy machine has seen nothing. */
  const round = async (triesLeft = 5): Promise<void> => {
    const before = brokenOff()
    await worker.observeRemote()
    if (brokenOff() > before && triesLeft > 1) await round(triesLeft - 1)
  }
  /** One round of the observer, and what follows from it. */
  const seen = async (id: string, holds: (row: SystemRow) => boolean) => {
    await round()
    return settled(id, holds)
  }
  const ready = async (name: string, more: Partial<SystemRow> = {}) => {
    const id = await world.create(name, undefined, more)
    const { ref } = await world.phase(id, 'ready')
    return { id, ref: ref ?? '' }
  }
  const isMarked = async (ref: string) => (await hand.look(ref))?.tags[vmMark] !== undefined
  return {
    hand,
    world,
    worker,
    ask,
    refusal,
    imported,
    unmanaged,
    stranger,
    settled,
    round,
    seen,
    ready,
    isMarked,
    /** The worker dies just before, or just after, it has written its marks: so often. */
    die: (times: number) => void (deaths = times),
    stop: async () => {
      await world.stop()
      await hand.stop()
      await database.stop()
    },
  }
}
export type Stage = Awaited<ReturnType<typeof openStage>>
/** `jest`'s `test` where that case is to be shown. */
export type When = (n: number) => (name: string, fn: () => Promise<void>) => void
