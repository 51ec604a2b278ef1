import { afterAll, beforeAll, describe, expect, test } from '@jest/globals'
import { getUsage, jobsOf, makeWorld, noticesIn, testDatabase, type World } from '@re-ops/re-core/testing'
import { specOf, type Hand } from './hand.ts'

const hourMs = 3_600_000
/** Of a minute: how long a refused account is left alone. */
const parkedMs = 300
const timings = { observeMs: hourMs, observeRemoteMs: hourMs, reapMs: hourMs, leasesMs: hourMs, parkedMs }
/** Two accounts at one provider, one of which refuses for a while. */
export const describeParked = (title: string, open: (name: string) => Promise<Hand>): void => {
  let database: Awaited<ReturnType<typeof testDatabase>>
  let world: World
  let [refused, other]: Hand[] = []

  describe(title, () => {
    beforeAll(async () => {
      ;[refused, other, database] = await Promise.all([open('refused'), open('other'), testDatabase()])
      world = await makeWorld(await database.fresh(), { accounts: [refused.account, other.account] })
      await world.startOne({ timings })
    })
    afterAll(async () => {
      await world.stop()
      await Promise.all([refused?.stop(), other?.stop()])
      await database.stop()
    })

    const create = (hand: Hand, name: string) => world.create(name, undefined, specOf(hand, name))
    const told = async () => (await noticesIn(world.pool)).filter(one => one.account === 'refused').map(one => one.kind)

    test.each([
      ['auth', 'all'],
      ['denied', 'create'],
      ['quota', 'create'],
    ] as const)(
      '32: %s: parked with one notice, another account is not affected, all goes on when it is mended',
      async (why, what) => {
        const one = refused
        if (one?.refuse === undefined || other === undefined) throw new Error('it cannot be made to refuse')
        const before = (await told()).length
        one.refuse(why)
        const ids = await Promise.all([1, 2, 3].map(n => create(one, `${why}-${n}`)))
        const elsewhere = await create(other, `${why}-elsewhere`)
        await world.phase(elsewhere, 'ready')
        for (const id of ids) await world.until('it waits', async () => (await world.row(id)).attempt > 1)
        const usage = await getUsage(world.services(), 'refused')
        expect(usage.account.parked).toMatchObject({ what, why: expect.stringMatching(/ says /) })
        expect(usage.systems).toBeGreaterThanOrEqual(3)
        expect((await told()).slice(before)).toEqual(['account-parked'])
        const { problem } = usage.account
        // The one that tries says nothing while it does.
        for (const id of ids)
          await world.until('it says why', async () => (await world.row(id)).reason?.includes(problem ?? '?') === true)
        for (const id of ids) expect(await world.row(id)).toMatchObject({ ref: null })
        expect((await getUsage(world.services(), 'other')).account.parked).toBeNull()
        one.refuse(null)
        for (const id of ids) await world.phase(id, 'ready')
        expect((await told()).slice(before)).toEqual(['account-parked', 'account-resumed'])
        expect(await jobsOf(world.pool, ids[0] ?? '')).toEqual(['create done'])
        expect((await getUsage(world.services(), 'refused')).account).toMatchObject({ parked: null, problem: null })
      },
    )
  })
}
