import { expect } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { jobsOf } from '@re-ops/re-core/testing'
import { installationMark, isOff, vmMark, type Stage, type When } from './stage.ts'

/** Machines that were there before us. */
export const importCases = (stage: () => Stage, when: When): void => {
  when(21)(
    '21: a machine of somebody else is listed, imported once, only looked at, and left as it was by forget',
    async () => {
      const { hand, world, worker, ask, refusal, imported, unmanaged, stranger, seen, isMarked, die } = stage()
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
      die(2)
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
    const { hand, world, ask, refusal, imported, stranger, settled, seen } = stage()
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
}
