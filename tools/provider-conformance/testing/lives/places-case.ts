import { expect } from '@jest/globals'
import { identityOf } from '@re-ops/re-core/testing'
import { inOrder } from './agree.ts'
import type { LifeCase } from './describe-lives.ts'
import { ageSightings, gone, make, startQuiet } from './life.ts'

export const placesCase: LifeCase = {
  ns: [40],
  letters: 'FD',
  skips: { L: 'this computer is one account in one region' },
  title: 'two accounts and regions, machines of one name in each: none is taken for one of another',
  run: async life => {
    const { world, places } = life
    const worker = await startQuiet(life)
    const ended = await gone(life, 'ended')
    const ids: string[] = []
    for (const [n, { place }] of places.entries()) ids.push(await world.create(`one-${n}`, () => {}, place))
    const refs: (string | null)[] = []
    for (const id of ids) refs.push((await world.phase(id, 'ready')).ref)
    const there = () => Promise.all(places.map(({ alive }) => alive()))
    expect(await there()).toEqual(refs.map(ref => [ref]))
    // The same name, the same identity, in every place.
    const identity = identityOf(world.installation, ended, 0, 0)
    const strays: string[] = []
    for (const { place } of places) {
      const provider = world.provider(place)
      const spec = { ...life.spec, name: 'same', type: 'web' }
      strays.push(await make(life, provider.planCreate(spec, identity), 'owned', place))
    }
    const sighted = () => world.pool.query<{ account: string }>('select account, region from core.sighting')
    await worker.reap()
    expect((await sighted()).rows).toHaveLength(places.length)
    await ageSightings(life, 11)
    const mend = life.mishaps.breakLists()
    await worker.reap()
    mend()
    // The place whose list broke keeps its stray; all others are rid of theirs.
    expect(await there()).toEqual(refs.map((ref, n) => (n === 0 ? inOrder(ref, strays[0] ?? null) : [ref])))
    await worker.reap()
    expect(await there()).toEqual(refs.map(ref => [ref]))
    await world.ask(ids[0] ?? '', 'destroy')
    await world.phase(ids[0] ?? '', 'gone')
    await worker.observeRemote()
    expect(await there()).toEqual(refs.map((ref, n) => (n === 0 ? [] : [ref])))
    for (const id of ids.slice(1)) expect((await world.row(id)).phase).toBe('ready')
  },
}
