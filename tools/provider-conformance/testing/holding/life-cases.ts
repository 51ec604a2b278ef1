import { expect } from '@jest/globals'
import { jobsOf, noticesIn } from '@re-ops/re-core/testing'
import { hourMs, vmMark, type Stage, type When } from './stage.ts'

/** The next machine of a system, asked for or when the one before is taken back. */
export const lifeCases = (stage: () => Stage, when: When): void => {
  when(9)('9: reload: the same system on the next machine, and the one before is gone', async () => {
    const { hand, world, ask, ready } = stage()
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
      const { hand, world, round, ready } = stage()
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
}
