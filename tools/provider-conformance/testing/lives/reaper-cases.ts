import { expect } from '@jest/globals'
import { newId } from '@re-ops/protocols'
import { adoptSystem, listFreezes, listNotices, renewLease } from '@re-ops/re-core/testing'
import { inOrder } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { ageSightings, backUp, gone, makeStray, markEnd, ready, startQuiet, type Life } from './life.ts'

const hourMs = 3_600_000
const skewMs = 300_000
const kinds = async ({ world }: Life) => (await listNotices(world.pool, 100)).map(one => one.kind).toReversed()

/** An hour of lease that was over an hour ago, in the row and at the machine. */
const endLease = async (life: Life, id: string): Promise<void> => {
  const { world } = life
  const at = new Date(Date.now() - hourMs)
  await world.pool.query(
    `update core.system set lease_ms = $3, lease_expires_at = $2, lease_there = $2, lease_by = 'ci' where id = $1`,
    [id, at, hourMs],
  )
  await markEnd(life, (await world.row(id)).ref, at)
}

export const reaperCases: readonly LifeCase[] = [
  {
    ns: [39],
    letters: 'LFD',
    title:
      'a stray is destroyed after two sightings ten minutes apart, whatever the clocks of replicas say, a few a round; what is not certainly ours to judge stays',
    run: async life => {
      const { world, alive } = life
      const worker = await startQuiet(life)
      const kept = await ready(life, 'kept')
      await world.ask(kept, 'reload')
      const own = (await world.life(kept, 2)).ref ?? ''
      const ended = await gone(life, 'gone')
      const strays = [await makeStray(life, kept, 1, { candidate: 7 }), await makeStray(life, ended, 0)]
      const foreign = await makeStray(life, kept, 1, { installation: newId() })
      const unknown = await makeStray(life, newId(), 1)
      const stranger = (await life.stranger?.()) ?? []
      const others = [own, foreign, unknown, stranger].flat()
      const early = await startQuiet(life, { now: () => Date.now() - skewMs })
      for (const replica of [worker, await startQuiet(life, { now: () => Date.now() + skewMs }), early]) {
        await replica.reap()
        await replica.reap()
      }
      expect(await alive()).toEqual([...others, ...strays].toSorted())
      await ageSightings(life, 11)
      await worker.reap()
      // One of five machines a round at most.
      expect(await alive()).toHaveLength(others.length + 1)
      await worker.reap()
      expect(await alive()).toEqual(others.toSorted())
      expect(await kinds(life)).toEqual(['unknown-machine', 'stray-destroyed', 'stray-destroyed'])
      expect(await world.row(kept)).toMatchObject({ phase: 'ready', ref: own })
    },
  },
  {
    ns: [39],
    letters: 'LFD',
    title: 'a dry run names what it would destroy, once, and destroys nothing',
    run: async life => {
      const worker = await startQuiet(life, { reaper: 'dry-run' })
      const orphan = await makeStray(life, await gone(life, 'gone'), 0)
      await worker.reap()
      await ageSightings(life, 11)
      for (let n = 0; n < 3; n += 1) await worker.reap()
      expect(await life.alive()).toEqual([orphan])
      expect(await kinds(life)).toEqual(['stray-found'])
    },
  },
  {
    ns: [20],
    letters: 'LFD',
    title: 'a list that breaks off on its second page ends the round: no sighting is noted, and none is forgotten',
    run: async life => {
      const { world } = life
      const worker = await startQuiet(life)
      const kept = await world.row(await ready(life, 'kept'))
      const ended = await gone(life, 'gone')
      const orphan = await makeStray(life, ended, 0)
      await worker.reap()
      await ageSightings(life, 11)
      const second = await makeStray(life, ended, 0, { candidate: 1 })
      const mend = life.mishaps.breakLists()
      await worker.reap()
      expect(world.logs.join('\n')).toContain('a round broke off')
      const { rows } = await world.pool.query<{ ref: string }>('select ref from core.sighting')
      expect(rows).toEqual([{ ref: orphan }])
      expect(await life.alive()).toEqual(inOrder(kept.ref, orphan, second))
      mend()
      await worker.reap()
      expect(await life.alive()).toEqual(inOrder(kept.ref, second))
    },
  },
  {
    ns: [38],
    letters: 'LFD',
    title:
      'a database from before a reload, a renewal and a create ends nothing: an alarm, until what is newer is adopted',
    run: async life => {
      const { world, alive } = life
      const worker = await startQuiet(life)
      const [id, leased, ended] = [await ready(life, 'one'), await ready(life, 'leased'), await gone(life, 'gone')]
      await endLease(life, leased)
      const orphan = await makeStray(life, ended, 0)
      const restore = await backUp(life)
      await world.ask(id, 'reload')
      const after = await world.life(id, 2)
      await renewLease(world.services(), leased, { forMs: 2 * hourMs }, 'ci')
      const late = await world.row(await ready(life, 'late'))
      await restore()
      const all = inOrder(after.ref, (await world.row(leased)).ref, orphan, late.ref)
      await worker.reap()
      await ageSightings(life, 11)
      for (let n = 0; n < 3; n += 1) {
        await worker.leases()
        await worker.reap()
      }
      expect(await alive()).toEqual(all)
      const evidence = [{ system: id }, { system: leased }].map(one => expect.objectContaining(one))
      expect(await listFreezes(world.pool)).toMatchObject([{ evidence: expect.arrayContaining(evidence) }])
      expect(await kinds(life)).toEqual(
        expect.arrayContaining(['newer-machine', 'unknown-machine', 'account-frozen', 'lease-kept']),
      )
      await world.attemptDirectly(id)
      await world.phase(id, 'lost')
      expect(await alive()).toEqual(all)
      await adoptSystem(world.services(), 'one')
      expect(await world.phase(id, 'ready')).toMatchObject({ generation: 2, ref: after.ref })
      // Its holder is there and says so: the row is as late as the machine again.
      await renewLease(world.services(), leased, { forMs: 3 * hourMs }, 'ci')
      await worker.leases()
      await worker.reap()
      expect(await listFreezes(world.pool)).toEqual([])
      expect(await alive()).toEqual(all.filter(ref => ref !== orphan))
      expect((await kinds(life)).slice(-1)).toEqual(['stray-destroyed'])
    },
  },
]
