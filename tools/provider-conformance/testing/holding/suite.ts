import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { newId, type SystemSpec, type VerbInput } from '@re-ops/protocols'
import {
  askSystem,
  getUnmanaged,
  importSystem,
  jobsOf,
  makeWorld,
  noticesIn,
  testDatabase,
  type SystemRow,
  type World,
} from '@re-ops/re-core/testing'
import { specOf, type Hand } from './hand.ts'

const hourMs = 3_600_000
/** Its drift is written last. */
const isOff = (row: SystemRow): boolean => row.phase === 'stopped' && row.drift[0]?.field === 'power'
/** Rounds run when they are called. */
const timings = { observeMs: hourMs, observeRemoteMs: hourMs, reapMs: hourMs, leasesMs: hourMs, restartDelayMs: 50 }
const asked = { subject: 'tester', scopes: ['admin'], route: 'test', key: undefined }
const installationMark = 'recore:installation'
const vmMark = 'recore:vm'

type Asking = Parameters<typeof askSystem>[2]['verb']

/**
 * Imported machines and drift, with re-core's own worker against a cloud in somebody else's hands. `ns`: of the numbered
 * cases only these, where another test shows the rest.
 */
export const describeHolding = (
  title: string,
  open: () => Promise<Hand>,
  ns: readonly number[] = [21, 22, 34],
): void => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  let world: World
  let hand: Hand
  let worker: Awaited<ReturnType<World['startOne']>>
  let deaths = 0
  const when = (n: number) => (ns.includes(n) ? test : test.skip)

  describe(title, () => {
    beforeAll(async () => {
      ;[hand, database] = await Promise.all([open(), testDatabase()])
      const spec = (name: string): SystemSpec => ({ ...specOf(hand, name), labels: { env: 'test' } })
      world = await makeWorld(await database.fresh(), { accounts: [hand.account], spec })
      worker = await world.startOne({
        timings,
        // The worker dies just before, or just after, it has written its marks: as often as it was told to.
        at: point => {
          if (!point.startsWith('setOwner.') || deaths === 0) return
          deaths -= 1
          throw new Error('killed')
        },
      })
    })
    afterAll(async () => {
      await world.stop()
      await hand.stop()
      await database.stop()
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
    const settled = (id: string, holds: (row: SystemRow) => boolean) =>
      world.until('it is seen', async () => {
        const row = await world.row(id)
        return row.nextAt === null && holds(row) && row
      })
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

    when(21)(
      '21: a machine of somebody else is listed, imported once, only looked at, and left as it was by forget',
      async () => {
        const foreign = await stranger('theirs', {
          [installationMark]: newId(),
          [vmMark]: newId(),
          'recore:gen': '1',
          'recore:candidate': '0',
        })
        const ref = await stranger('legacy')
        const listed = new Map((await unmanaged()).map(one => [one.ref, [one.state, one.importable]]))
        expect(listed).toEqual(
          new Map([
            [foreign, ['foreign', false]],
            [ref, ['free', true]],
          ]),
        )
        expect(await refusal(imported(foreign, 'theirs'))).toMatch(/cannot be imported: it is of another re-core/)
        deaths = 2
        const made = await Promise.all([imported(ref, 'legacy'), imported(ref, 'legacy')])
        const { id } = made[0].system
        expect(made[1].system.id).toBe(id)
        await world.phase(id, 'ready')
        expect((await hand.look(ref))?.tags).toMatchObject({ [vmMark]: id, [installationMark]: world.installation })
        expect((await world.row(id)).drift).toEqual([])
        expect(await refusal(imported(ref, 'again'))).toMatch(/is the machine of legacy already/)
        expect((await unmanaged()).map(one => one.ref)).toEqual([foreign])
        for (const verb of ['destroy', 'stop', 'reboot', 'reload'] as const)
          expect(await refusal(ask('legacy', verb))).toMatch(
            /^legacy is only observed: .* allowed: systems forget legacy, or systems policy legacy --manage full first$/,
          )
        await hand.powerOff(ref)
        const off = await seen(id, isOff)
        expect(off.drift).toEqual([{ field: 'power', wanted: 'running', observed: 'stopped', fixed: false }])
        for (let round = 0; round < 2; round += 1) {
          await worker.reap()
          await world.pool.query(`update core.sighting set first_at = first_at - interval '11 minutes'`)
          await worker.tick()
        }
        expect([(await hand.look(ref))?.power, await hand.look(foreign)]).toEqual(['stopped', expect.anything()])
        await ask('legacy', 'forget')
        await world.phase(id, 'gone')
        expect([await hand.look(ref), await isMarked(ref)]).toMatchObject([{ power: 'stopped' }, false])
        expect((await unmanaged()).find(one => one.ref === ref)).toMatchObject({ state: 'free' })
        expect(await jobsOf(world.pool, id)).toEqual(['import done', 'forget done'])
        await hand.remove(ref)
        await hand.remove(foreign)
      },
    )

    when(21)('21: one that is managed in full is powered, resized and destroyed like any other', async () => {
      const ref = await stranger('shop')
      const { system } = await imported(ref, 'shop', { managed: 'full' })
      await world.phase(system.id, 'ready')
      expect(await refusal(ask('shop', 'reload'))).toMatch(/^shop is imported: nobody knows how its machine was made/)
      await hand.powerOff(ref)
      const off = await seen(system.id, isOff)
      expect(off).toMatchObject({ reason: expect.stringContaining('start powers it on'), drift: [{ field: 'power' }] })
      await ask('shop', 'start')
      await settled(system.id, row => row.phase === 'ready')
      await ask('shop', 'resize', { size: hand.largerSize, force: true })
      await settled(system.id, row => row.phase === 'ready' && row.size === hand.largerSize)
      expect(await hand.look(ref)).toMatchObject({ power: 'running', size: hand.largerSize })
      await ask('shop', 'destroy')
      await world.phase(system.id, 'gone')
      expect(await hand.look(ref)).toBeNull()
    })

    when(22)(
      '22: powered off, resized, a label edited: seen in one round, and put right as its policy says',
      async () => {
        const { id, ref } = await ready('web', { fixes: [], labels: { env: 'test', owner: 'ann' } })
        await world.until('its labels show', async () => (await hand.look(ref))?.tags['owner'] === 'ann')
        await seen(id, row => row.drift.length === 0)
        await hand.resize(ref, hand.largerSize)
        await hand.tag(ref, 'owner', 'eve')
        const labels = { field: 'labels', wanted: { owner: 'ann' }, observed: { owner: 'eve' } } as const
        const size = { field: 'size', wanted: hand.size, observed: hand.largerSize, fixed: false } as const
        // A look from before may have met it on its way to the other size.
        const changed = await seen(id, row => row.phase === 'ready' && row.drift.length === 2)
        expect(changed.drift).toEqual([size, { ...labels, fixed: false }])
        await hand.powerOff(ref)
        const off = await seen(id, isOff)
        const power = { field: 'power', wanted: 'running', observed: 'stopped' } as const
        expect(off.drift).toEqual([{ ...power, fixed: false }, size, { ...labels, fixed: false }])
        await worker.tick()
        expect(await hand.look(ref)).toMatchObject({ power: 'stopped', tags: { owner: 'eve' } })
        await ask('web', 'policy', { policy: { fixes: ['labels'] } })
        await settled(id, row => row.drift.length === 2)
        expect(await hand.look(ref)).toMatchObject({ power: 'stopped', tags: { owner: 'ann' } })
        await ask('web', 'policy', { policy: { fixes: ['power'] } })
        await world.sender.wake(world.pool, id)
        const on = await settled(id, row => row.phase === 'ready')
        expect([on.drift, (await hand.look(ref))?.power]).toEqual([[size], 'running'])
      },
    )

    when(9)('9: reload: the same system on the next machine, and the one before is gone', async () => {
      const { id, ref } = await ready('renewed')
      await ask('renewed', 'reload')
      const next = await world.life(id, 2)
      expect([next.ref === ref, await hand.look(ref)]).toEqual([false, null])
      expect((await hand.look(next.ref ?? ''))?.tags).toMatchObject({ [vmMark]: id })
      expect(await jobsOf(world.pool, id)).toEqual(['create done', 'reload done'])
    })

    when(34)(
      '34: a spot machine is taken back: seen, with what the provider says, and bought on demand the next time',
      async () => {
        const { takeBack } = hand
        if (takeBack === undefined) return expect(hand.account.driver.caps.spot).toBe(false)
        const { id, ref } = await ready('cheap', { options: { market: 'spot' }, onLost: 'recreate-on-demand' })
        const observed = async (at: string) => {
          const provider = await world.services().open(await world.row(id))
          const one = await provider.observe(at, AbortSignal.timeout(hourMs))
          return one.state === 'present' ? one.vm.lifecycle : one.state
        }
        expect(await observed(ref)).toBe('spot')
        await takeBack(ref)
        await round()
        const next = await world.life(id, 2)
        expect([await observed(next.ref ?? ''), await observed(ref)]).toEqual(['on-demand', 'absent'])
        const [notice] = (await noticesIn(world.pool)).filter(one => one.system === id)
        expect(notice).toMatchObject({ kind: 'recreated', text: expect.stringContaining('SpotInstanceTermination') })
      },
    )

    when(22)('22: deleted by hand: an alarm; or the next life; or the end of the system', async () => {
      const told = await ready('told')
      const again = await ready('again', { onLost: 'recreate' })
      const over = await ready('over', { onLost: 'forget' })
      for (const { ref } of [told, again, over]) await hand.remove(ref)
      const lost = await seen(told.id, row => row.phase === 'lost')
      expect(lost.drift).toEqual([{ field: 'presence', wanted: 'present', observed: 'absent', fixed: false }])
      const next = await world.life(again.id, 2)
      expect(next.ref).not.toBe(again.ref)
      expect(await hand.look(next.ref ?? '')).toMatchObject({ power: 'running' })
      await world.phase(over.id, 'gone')
      const ids = [told.id, again.id, over.id]
      const kinds = (await noticesIn(world.pool)).filter(one => ids.includes(one.system ?? ''))
      expect(kinds).toHaveLength(3)
      expect(new Map(kinds.map(one => [one.system, one.kind]))).toEqual(
        new Map([
          [told.id, 'lost'],
          [again.id, 'recreated'],
          [over.id, 'lost'],
        ]),
      )
      expect(await jobsOf(world.pool, again.id)).toEqual(['create done', 'reload done'])
    })
  })
}
