import { expect } from '@jest/globals'
import type { Provider } from '@re-ops/protocols'
import { cancelJob, listJobs } from '@re-ops/re-core/testing'
import { holdOnce, machinesAgree } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { ageSightings, bound, startQuiet, type Life } from './life.ts'

/** For the first of them its messages are deleted, for the second given up, for the third there are several. */
const spoilMessages = async ({ world: { pool } }: Life, [lost, dead, twice]: readonly (string | undefined)[]) => {
  const mine = `data->>'id' = $1`
  await pool.query(`delete from core_boss.job where ${mine}`, [lost])
  await pool.query(
    `update core_boss.job set state = 'failed', retry_count = retry_limit, completed_on = now() where ${mine} and state < 'active'`,
    [dead],
  )
  await pool.query(
    `insert into core_boss.job (name, data, policy, singleton_key)
     select name, data, policy, singleton_key || n from core_boss.job, generate_series(1, 5) n where ${mine} and state < 'active'`,
    [twice],
  )
}

const otherRelease = (provider: Provider): Provider => ({
  ...provider,
  planCreate: (spec, identity, offering) =>
    provider.planCreate({ ...spec, tags: { ...spec.tags, release: 'new' } }, identity, offering),
})
const tagsOf = async ({ world }: Life, id: string) => {
  const seen = await world.provider().observe((await world.row(id)).ref ?? '', bound())
  return seen.state === 'present' ? seen.vm.tags : null
}

/** Where a create is when it is cancelled, in the order of its steps. */
const cancelPoints = [
  'freeze',
  'freeze.done',
  'register.done',
  'create.sent',
  'create.answered',
  'create.saved',
  'look',
]

export const jobCases: readonly LifeCase[] = [
  {
    ns: [27],
    letters: 'LFD',
    title: 'messages lost, given up and doubled: the ticker converges from the rows',
    run: async life => {
      const { world } = life
      const names = ['lost', 'dead', 'twice']
      const ids: string[] = []
      for (const name of names) ids.push(await world.create(name))
      await spoilMessages(life, ids)
      await startQuiet(life, { queue: queue => ({ ...queue, later: async () => {} }) })
      for (const id of ids) await world.phase(id, 'ready')
      await machinesAgree(life, ids)
      for (const id of ids) await world.ask(id, 'destroy')
      await spoilMessages(life, ids)
      for (const id of ids) await world.phase(id, 'gone')
      await machinesAgree(life, ids)
      for (const id of ids)
        expect((await listJobs(world.pool, id, 9)).map(job => [job.verb, job.state])).toEqual([
          ['destroy', 'done'],
          ['create', 'done'],
        ])
    },
  },
  {
    ns: [31],
    letters: 'LFDTK',
    title: 'two workers, the first stalled in its create call: one machine, and only the newer one writes',
    run: async life => {
      const { world } = life
      const hold = holdOnce('create.sent')
      await startQuiet(life, { at: hold.at })
      const id = await world.create('one')
      await hold.reachedBy(life, id)
      const epoch = (await world.row(id)).leaseEpoch
      // Its message expires in production; here the second worker is simply given the row, as the ticker would.
      await world.attemptDirectly(id)
      await world.phase(id, 'ready')
      hold.letGo()
      await machinesAgree(life, [id])
      const row = await world.row(id)
      expect(row.leaseEpoch).toBeGreaterThan(epoch)
      expect(row).toMatchObject({ phase: 'ready', generation: 1 })
    },
  },
  {
    ns: [31],
    letters: 'LFD',
    title: 'the first stalled in its create call while the system is destroyed: nothing of it stays',
    run: async life => {
      const { world } = life
      const hold = holdOnce('create.sent')
      await startQuiet(life, { at: hold.at })
      const id = await world.create('one')
      await hold.reachedBy(life, id)
      await world.ask(id, 'destroy')
      await world.attemptDirectly(id)
      await world.phase(id, 'gone')
      hold.letGo()
      const { reap } = await startQuiet(life)
      await world.until('nothing comes of it', async () => {
        await reap()
        await ageSightings(life, 11)
        await reap()
        return (await life.alive()).length === 0
      })
      expect(await world.row(id)).toMatchObject({ phase: 'gone', desired: 'absent' })
    },
  },
  {
    ns: [42],
    letters: 'LFDTK',
    title: 'a create that is cancelled, wherever it is, ends absent, or running if it won; never in between',
    run: async life => {
      const { world } = life
      const holds = new Map<string, ReturnType<typeof holdOnce>>()
      await startQuiet(life, { at: (name, system) => holds.get(system)?.at(name) })
      const points = life.letter === 'K' ? cancelPoints.slice(3, 5) : cancelPoints
      const lead = async (point: string, n: number) => {
        const hold = holdOnce(point)
        const id = await world.create(`c-${n}`, made => void holds.set(made, hold))
        await hold.reachedBy(life, id)
        const [job] = await listJobs(world.pool, id, 1)
        await cancelJob(world.services(), job?.id ?? '', { subject: 'me', route: '', key: undefined, scopes: [] })
        hold.letGo()
        await world.phase(id, 'gone')
        return id
      }
      const won = await world.create('won')
      await world.phase(won, 'ready')
      const ids = await Promise.all(points.map(lead))
      const [job] = await listJobs(world.pool, won, 1)
      const asked = { subject: 'me', route: '', key: undefined, scopes: [] }
      expect(await cancelJob(world.services(), job?.id ?? '', asked)).toMatchObject({ state: 'done' })
      await machinesAgree(life, [...ids, won])
      for (const id of ids)
        expect((await listJobs(world.pool, id, 9)).map(one => [one.verb, one.state])).toEqual([['create', 'cancelled']])
      const left = [...world.mote.enrolments.values()].filter(one => !one.revoked).map(one => one.body.system)
      expect(left).toEqual([won])
    },
  },
  {
    ns: [43],
    letters: 'LFD',
    title: 'a request that was frozen and sent by an old release is sent again as it is by a new one: the same machine',
    run: async life => {
      const { world } = life
      const hold = holdOnce('create.answered')
      const old = await startQuiet(life, { at: hold.at })
      const id = await world.create('one')
      await hold.reachedBy(life, id)
      const before = await life.alive()
      expect(before).toHaveLength(1)
      await old.stop()
      await startQuiet(life, { wrap: otherRelease })
      expect([(await world.phase(id, 'ready')).ref]).toEqual(before)
      await machinesAgree(life, [id])
      hold.letGo()
      await world.until('its tags are there', async () => (await tagsOf(life, id))?.['env'] === 'test')
      expect(await tagsOf(life, id)).not.toHaveProperty('release')
      await world.ask(id, 'reload')
      await world.life(id, 2)
      await world.until(
        'the next one is of the new release',
        async () => (await tagsOf(life, id))?.['release'] === 'new',
      )
      await machinesAgree(life, [id])
    },
  },
]
