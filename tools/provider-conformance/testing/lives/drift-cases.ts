import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from '@jest/globals'
import { askSystem, jobsOf, markedProcesses, noticesIn, type SystemRow } from '@re-ops/re-core/testing'
import type { Fix } from '@re-ops/protocols'
import type { LifeCase } from './describe-lives.ts'
import { startQuiet, type Life } from './life.ts'

type Written = { readonly tags: Readonly<Record<string, string>>; readonly protected: boolean }

/** What somebody with a shell does to a machine that is a process and a folder. */
const handsOf = ({ world }: Life) => {
  const folder = (ref: string) => join(world.root, ref)
  const marks = (ref: string) => join(folder(ref), 'marks.json')
  const read = async (ref: string) => JSON.parse(await readFile(marks(ref), 'utf8')) as Written
  const kill = async (ref: string): Promise<void> => {
    const [agent] = (await markedProcesses()).filter(one => one.folder === folder(ref) && one.isAgent)
    if (agent === undefined) throw new Error(`${ref} does not run`)
    // It leads a group of its own.
    process.kill(-agent.pid, 'SIGKILL')
    await world.until(`${ref} is off`, async () => !(await world.running()).includes(ref))
  }
  return {
    kill,
    read,
    edit: async (ref: string, change: (marks: Written) => object): Promise<void> =>
      writeFile(marks(ref), JSON.stringify({ ...(await read(ref)), ...change(await read(ref)) })),
    remove: async (ref: string): Promise<void> => {
      await kill(ref)
      await rm(folder(ref), { recursive: true })
    },
  }
}

/** A quiet worker, and one round of its observer with what follows from it. */
const watch = async (life: Life) => {
  const { world } = life
  const worker = await startQuiet(life, { timings: { restartDelayMs: 50 } })
  const settled = (id: string, holds: (row: SystemRow) => boolean) =>
    world.until('it is seen', async () => {
      const row = await world.row(id)
      return row.nextAt === null && holds(row) && row
    })
  return {
    ready: async (name: string, more: Partial<SystemRow>) => {
      const id = await world.create(name, () => {}, more)
      await world.phase(id, 'ready')
      const { ref } = await settled(id, row => row.drift.length === 0)
      return { id, ref: ref ?? '' }
    },
    round: worker.observe,
    seen: async (id: string, holds: (row: SystemRow) => boolean) => {
      await worker.observe()
      return settled(id, holds)
    },
    settled,
    policy: (name: string, fixes: Fix[]) => {
      const asked = { subject: 'tester', scopes: ['admin'], route: 'test', key: undefined }
      return askSystem(world.services(), name, { verb: 'policy', input: { policy: { fixes } } }, asked)
    },
  }
}

export const driftCases: readonly LifeCase[] = [
  {
    ns: [22],
    letters: 'L',
    title: 'killed, its labels and protection edited by hand: seen in one round, and put right as its policy says',
    run: async life => {
      const { world } = life
      const hands = handsOf(life)
      const { ready, seen, settled, policy } = await watch(life)
      const { id, ref } = await ready('web', { fixes: [], labels: { env: 'test', owner: 'ann' } })
      await hands.edit(ref, ({ tags }) => ({ tags: { ...tags, owner: 'eve' }, protected: true }))
      const labels = { field: 'labels', wanted: { owner: 'ann' }, observed: { owner: 'eve' }, fixed: false }
      const protection = { field: 'protection', wanted: false, observed: true, fixed: false }
      expect((await seen(id, row => row.drift.length > 0)).drift).toEqual([labels, protection])
      await hands.kill(ref)
      const power = { field: 'power', wanted: 'running', observed: 'stopped', fixed: false }
      const off = await seen(id, row => row.phase === 'stopped' && row.drift.length > 2)
      expect(off.drift).toEqual([power, labels, protection])
      expect([await world.running(), await hands.read(ref)]).toMatchObject([[], { tags: { owner: 'eve' } }])
      await policy('web', ['labels'])
      expect((await settled(id, row => row.drift.length === 2)).drift).toEqual([power, protection])
      expect([await world.running(), await hands.read(ref)]).toMatchObject([[], { tags: { owner: 'ann' } }])
      await policy('web', ['power'])
      await world.sender.wake(world.pool, id)
      expect((await settled(id, row => row.phase === 'ready')).drift).toEqual([protection])
      expect(await world.running()).toEqual([ref])
    },
  },
  {
    ns: [22],
    letters: 'L',
    title: 'killed and its folder removed by hand: an alarm; or the next life; or the end of the system',
    run: async life => {
      const { world } = life
      const hands = handsOf(life)
      const { ready, round, settled } = await watch(life)
      const told = await ready('told', { onLost: 'alert' })
      const again = await ready('again', { onLost: 'recreate' })
      const over = await ready('over', { onLost: 'forget' })
      for (const { ref } of [told, again, over]) await hands.remove(ref)
      await round()
      const lost = await settled(told.id, row => row.phase === 'lost')
      expect(lost.drift).toEqual([{ field: 'presence', wanted: 'present', observed: 'absent', fixed: false }])
      const next = await world.life(again.id, 2)
      await world.phase(over.id, 'gone')
      expect(await world.running()).toEqual([next.ref])
      const notices = new Map((await noticesIn(world.pool)).map(one => [one.system, one.kind]))
      expect([told, again, over].map(({ id }) => notices.get(id))).toEqual(['lost', 'recreated', 'lost'])
      expect(await jobsOf(world.pool, again.id)).toEqual(['create done', 'reload done'])
    },
  },
]
