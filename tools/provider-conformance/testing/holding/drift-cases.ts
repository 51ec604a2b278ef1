import { expect } from '@jest/globals'
import { jobsOf, noticesIn } from '@re-ops/re-core/testing'
import { quickCaps } from './hand.ts'
import { isOff, type Stage, type When } from './stage.ts'

/** What is changed or taken away by hand. */
export const driftCases = (stage: () => Stage, when: When): void => {
  when(22)(
    '22: powered off, resized, a label edited: seen in one round, and put right as its policy says',
    async () => {
      const { hand, world, worker, ask, settled, seen, ready } = stage()
      const { id, ref } = await ready('web', { fixes: [], labels: { env: 'test', owner: 'ann' } })
      await world.until('its labels show', async () => (await hand.look(ref))?.tags['owner'] === 'ann')
      // Labels of a machine so young are not judged where they are written after it is made.
      const judgedFrom = performance.now() + quickCaps.maxVisibilityLagMs
      await world.until('its labels are judged', async () => performance.now() >= judgedFrom)
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

  when(22)('22: deleted by hand: an alarm; or the next life; or the end of the system', async () => {
    const { hand, world, seen, ready } = stage()
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
}
